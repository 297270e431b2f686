"""`{% load money %}` … `{{ booking.total|money:booking.currency }}`: an amount as people read it in the language at hand."""

from decimal import Decimal

from django import template

from ledger.money import format_money

register = template.Library()


@register.filter
def money(amount: Decimal, currency: str) -> str:
    return format_money(amount, currency)
