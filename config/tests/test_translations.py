"""Arabic is Arabic: nothing that people read is left in English."""

import re

from django.conf import settings
from django.contrib import admin
from django.contrib.admin.utils import flatten_fieldsets, get_fields_from_path
from django.db.models import Field
from django.utils import translation

from config.translations import collect, collect_theme, read, untranslated

CATALOGUE = settings.BASE_DIR / "locale" / "ar" / "LC_MESSAGES" / "django.po"
ARABIC = re.compile(r"[\u0600-\u06ff]")
NAMES = re.compile(r"\{\w*\}|%\(\w+\)[sd]|%[sd]")
# What is the same in every language.
SAME = {"HTML", "{what}: {detail}"}


def texts_of(message):
    return message.string if isinstance(message.string, tuple | list) else (message.string,)


def test_every_message_of_the_sources_is_in_the_catalogue_and_translated():
    catalogue = read(CATALOGUE)
    sources = [*collect(settings.BASE_DIR), *collect_theme()]
    asked_for = {(message.id, message.context) for message in sources if message.id}
    present = {(message.id, message.context) for message in catalogue if message.id}
    assert asked_for - present == set()
    assert untranslated(catalogue) == []


def test_every_translation_is_written_in_arabic():
    english = [
        message.id
        for message in read(CATALOGUE)
        if message.id and message.id not in SAME and not all(ARABIC.search(text) for text in texts_of(message))
    ]
    assert english == []


def test_translations_keep_the_placeholders():
    for message in read(CATALOGUE):
        if not message.id:
            continue
        one, *many = message.id if isinstance(message.id, tuple | list) else (message.id,)
        allowed = set(NAMES.findall(one)) | {name for text in many for name in NAMES.findall(text)}
        for text in texts_of(message):
            found = set(NAMES.findall(text))
            assert found <= allowed, message.id
            assert many or found == allowed, message.id


def test_the_words_of_the_theme_are_among_them():
    theme = {message.id for message in collect_theme()}
    assert {"Type to search", "General", "No results found", "Apply Filters", "Date from"} <= theme
    assert "Save" not in theme  # Django says that in Arabic
    with translation.override("ar"):
        assert translation.gettext("General") == "عام"


def test_the_compiled_catalogue_is_what_arabic_readers_get():
    with translation.override("ar"):
        assert translation.gettext("Not found.") == "غير موجود."


def shown_fields(model_admin):
    """Every column of a table that the pages of a model name: in lists, filters, forms and inlines."""
    filters = [given[0] if isinstance(given, tuple) else given for given in model_admin.list_filter]
    for name in filters:
        if isinstance(name, str):
            yield get_fields_from_path(model_admin.model, name)[-1]
    sections = [*(model_admin.fieldsets or ()), *getattr(model_admin, "add_fieldsets", ())]
    names = {*model_admin.list_display, *model_admin.readonly_fields, *flatten_fieldsets(sections)}
    pages = [(model_admin.model, names)]
    pages += [(line.model, {*(line.fields or ()), *line.readonly_fields}) for line in model_admin.inlines]
    for model, shown in pages:
        yield from (field for field in model._meta.get_fields() if isinstance(field, Field) and field.name in shown)


def test_every_field_that_the_back_office_shows_has_an_arabic_name():
    with translation.override("ar"):
        unnamed = {
            f"{field.model._meta.label}.{field.name}: {field.verbose_name}"
            for model_admin in admin.site._registry.values()
            for field in shown_fields(model_admin)
            if not ARABIC.search(str(field.verbose_name))
        }
    assert unnamed == set()
