"""What must always be true of the catalogue."""

from collections.abc import Iterator

from config.invariants import invariant
from tours.published import faults_in_facts


@invariant("tours.published_facts")
def published_facts_are_the_tours() -> Iterator[str]:
    """What the public list shows is what the tours say."""
    yield from faults_in_facts()
