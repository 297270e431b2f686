"""Shared places: a boat with its places and the options that sell them."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import Count
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.admin import TabularInline
from unfold.decorators import display

from tours.admin.pages import CatalogueAdmin
from tours.models import Departure, Pool, PoolMember
from tours.services.limits import follow_limits, follow_pool


class MemberInline(TabularInline):
    model = PoolMember
    fields = ["option"]
    autocomplete_fields = ["option"]
    extra = 1
    hide_title = True


@admin.register(Pool)
class PoolAdmin(CatalogueAdmin):
    empty_hint = _(
        "Options that sell the places of one boat or bus stand together here, so that it is never sold twice."
    )
    list_display = ["name_en", "name_ar", "capacity", "options_shown"]
    search_fields = ["name_en", "name_ar"]
    fieldsets = [
        (
            None,
            {
                "fields": [("name_en", "name_ar"), "capacity"],
                "description": _(
                    "A boat, a bus, a hall: departures of these options that run at the same time sell its places together."
                ),
            },
        )
    ]
    inlines = [MemberInline]

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).annotate(options_count=Count("members"))

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        before = set(PoolMember.objects.filter(pool=form.instance).values_list("option_id", flat=True))
        super().save_related(request, form, formsets, change)
        pool = follow_pool(pool_id=form.instance.pk, left=before)
        roomier = (
            Departure.objects.filter(option__pool_members__pool=pool, capacity__gt=pool.capacity).upcoming().count()
        )
        if roomier:
            hint = ngettext(
                "{n} departure to come has more places of its own than these: not all of them can be sold.",
                "{n} departures to come have more places of their own than these: not all of them can be sold.",
                roomier,
            )
            messages.warning(request, hint.format(n=roomier))

    def delete_model(self, request: HttpRequest, obj: Pool) -> None:
        options = list(PoolMember.objects.filter(pool=obj).values_list("option_id", flat=True))
        super().delete_model(request, obj)
        follow_limits(options)

    @display(description=_("options"), ordering="options_count")
    def options_shown(self, pool: Any) -> int:
        return int(pool.options_count)
