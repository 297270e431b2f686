from datetime import timedelta

from django.utils.timezone import now

from config.ids import REFERENCE_ALPHABET, first_uuid7_at, short_reference, uuid7


def test_a_uuid7_is_of_version_7_and_grows_with_time():
    made = [uuid7() for _ in range(3)]
    assert {value.version for value in made} == {7}
    assert {value.variant for value in made} == {"specified in RFC 4122"}
    assert made[0].int >> 80 <= made[1].int >> 80 <= made[2].int >> 80


def test_references_avoid_letters_that_sound_or_look_alike():
    reference = short_reference("BK")
    assert reference.startswith("BK-")
    assert set(reference[3:]) <= set(REFERENCE_ALPHABET)
    assert not set("ILOU01") & set(REFERENCE_ALPHABET)


def test_the_first_id_of_a_moment_divides_before_from_after():
    moment = now() - timedelta(days=3)
    assert first_uuid7_at(moment - timedelta(milliseconds=1)) < first_uuid7_at(moment)
    assert (first_uuid7_at(moment).version, first_uuid7_at(moment).variant) == (7, "specified in RFC 4122")
    assert first_uuid7_at(now() - timedelta(seconds=1)) < uuid7() < first_uuid7_at(now() + timedelta(seconds=1))
