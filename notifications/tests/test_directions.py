"""Names in sentences of the other direction."""

import pytest
from django.utils.translation import override

from notifications.templatetags.directions import apart


@pytest.mark.parametrize(
    ("language", "name", "shown"),
    [
        ("en", "Mona Saleh", "Mona Saleh"),
        ("en", "كريم الصباح", "\u2068كريم الصباح\u2069"),
        ("ar", "كريم الصباح", "كريم الصباح"),
        ("ar", "Mona S.", "\u2068Mona S.\u2069"),
        ("ar", "123", "123"),
    ],
)
def test_a_name_of_the_other_direction_keeps_the_comma_behind_it(language, name, shown):
    with override(language):
        assert apart(name) == shown
