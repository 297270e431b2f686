"""The fingerprint of a quote: of the same input the same, of another price another. Any offer, any party, any order."""

import pickle
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from bookings.pricing import fingerprint_of_stored, price
from tours.prices import ExtraTerms
from tours.tests.any_offers import AT, families, offers

EXTRAS = {
    code: ExtraTerms(code, code, code, basis, Decimal(amount), most=9)
    for code, basis, amount in [
        ("lunch", "PER_PERSON", "12.5"),
        ("van", "PER_BOOKING", "40"),
        ("mask", "PER_UNIT", "3"),
    ]
}
chosen = st.lists(st.sampled_from(sorted(EXTRAS)), unique=True).map(lambda codes: [{"code": code} for code in codes])


def quoted(offer, party, extras, at=AT):
    return price(offer, party, extras, Decimal(1), offer.currency, at=at)


@settings(max_examples=200, deadline=None)
@given(offer=offers, party=families, extras=chosen, data=st.data())
def test_the_same_input_has_the_same_fingerprint(offer, party, extras, data):
    offer = replace(offer, extras=EXTRAS)
    made = quoted(offer, party, extras)
    shuffled = dict(data.draw(st.permutations(list(party.items()))))
    again = quoted(pickle.loads(pickle.dumps(offer)), shuffled, data.draw(st.permutations(extras)))
    assert again.fingerprint == made.fingerprint
    assert again.total == made.total
    stored = orjson.loads(orjson.dumps(made.as_json()))
    assert fingerprint_of_stored(stored) == made.fingerprint
    relabelled = replace(offer, title_en="Another title", option_ar="اسم آخر")
    assert quoted(relabelled, party, extras).fingerprint == made.fingerprint  # texts are no part of the price
    without = replace(offer, rules=())
    later = quoted(without, party, extras, at=AT + timedelta(seconds=1))
    assert (
        later.fingerprint == quoted(without, party, extras).fingerprint
    )  # nor is the moment, where no rule looks at it


def paid(made):
    """What is sold and every amount. Who they are may differ: a group pays the same for a child as for an adult."""
    lines = [(line.rule, line.quantity, line.unit, line.amount) for line in made.lines]
    return made.total, made.seats, lines, [(tax.code, tax.inclusive, tax.amount) for tax in made.tax_lines]


@settings(max_examples=200, deadline=None)
@given(offer=offers, party=families, other=families)
def test_another_price_has_another_fingerprint(offer, party, other):
    made, second = quoted(offer, party, []), quoted(offer, other, [])
    assert (made.fingerprint == second.fingerprint) is (paid(made) == paid(second))
