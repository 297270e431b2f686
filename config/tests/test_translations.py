"""Arabic is Arabic: nothing that people read is left in English."""

import re

from django.conf import settings
from django.utils import translation

from config.translations import collect, read, untranslated

CATALOGUE = settings.BASE_DIR / "locale" / "ar" / "LC_MESSAGES" / "django.po"
ARABIC = re.compile(r"[\u0600-\u06ff]")
NAMES = re.compile(r"\{\w*\}|%\(\w+\)[sd]|%[sd]")
# What is the same in every language.
SAME = {"HTML", "{what}: {detail}"}


def texts_of(message):
    return message.string if isinstance(message.string, tuple | list) else (message.string,)


def test_every_message_of_the_sources_is_in_the_catalogue_and_translated():
    catalogue = read(CATALOGUE)
    asked_for = {(message.id, message.context) for message in collect(settings.BASE_DIR) if message.id}
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


def test_the_compiled_catalogue_is_what_arabic_readers_get():
    with translation.override("ar"):
        assert translation.gettext("Not found.") == "غير موجود."
