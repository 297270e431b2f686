from config.ids import REFERENCE_ALPHABET, short_reference, uuid7


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
