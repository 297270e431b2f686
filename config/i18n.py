"""Texts in two languages: fields `x_en`, `x_ar`, shown in the language of the request."""

from typing import Any

from django.utils.translation import get_language

LANGUAGES = ("en", "ar")


def language_now() -> str:
    """`ar` or `en`: the language that answers are given in at the moment."""
    return "ar" if (get_language() or "").startswith("ar") else "en"


def in_language(row: Any, field: str, language: str | None = None) -> Any:
    """`row.field_xx` in the language given or asked for; the other language where that one is empty."""
    wanted = language or language_now()
    other = "en" if wanted == "ar" else "ar"
    return getattr(row, f"{field}_{wanted}") or getattr(row, f"{field}_{other}")
