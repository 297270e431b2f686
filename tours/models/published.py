"""The published facts of a tour: what the public list searches, sorts by and shows.

The table has no policy on purpose: policies keep the planner from using indexes for full-text, trigram and array
operators, and everything here is public anyway. Each query still filters by tenant.
"""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models

from config.ids import uuid7


def words() -> ArrayField:
    return ArrayField(models.TextField(), default=list)


class PublishedTour(models.Model):
    """One row for each public tour, rewritten with it by `tours.published`. Nobody else writes here."""

    tour_id = models.UUIDField(primary_key=True, default=uuid7)
    tenant_id = models.UUIDField()
    slug = models.CharField(max_length=220)
    kind = models.CharField(max_length=10)
    category = models.CharField(max_length=40)
    difficulty = models.CharField(max_length=12)
    destination_id = models.UUIDField()
    latitude = models.FloatField(null=True, help_text="Of the destination, in degrees; unknown until written anew.")
    longitude = models.FloatField(null=True)
    tags = words()
    duration_minutes = models.IntegerField()
    min_guests = models.IntegerField()
    max_guests = models.IntegerField()
    rating = models.IntegerField(help_text="Hundredths of a star.")
    popularity = models.IntegerField()
    is_featured = models.BooleanField()
    is_deal = models.BooleanField(help_text="The price stands beside a higher one from before.")
    compare_minor = models.BigIntegerField(
        null=True, help_text="The price in minor units of the tenant's currency, so that tours in several compare."
    )
    display_order = models.IntegerField()
    created_at = models.DateTimeField()
    # What matching looks at; all of it went through `tours.search.fold`.
    sort_en = models.TextField(help_text="The English title, for sorting.")
    sort_ar = models.TextField(help_text="The Arabic title, for sorting: not every server knows Arabic collations.")
    places = words()  # every name of the destination: slug, country code, and names in both languages
    cities = words()
    words = models.TextField(help_text="Title and places in both languages, for trigrams and beginnings of words.")
    slips = ArrayField(models.TextField(), default=list, help_text="Each of these words with one letter left out.")
    vector = SearchVectorField(null=True)
    # JSON text, ready to send: an answer is put together without parsing it.
    card_en = models.TextField()
    card_ar = models.TextField()
    document_en = models.TextField()
    document_ar = models.TextField()

    class Meta:
        # Read far more often than written: no list of pending entries that each search would have to go through.
        indexes = [
            GinIndex(fields=["vector"], name="published_vector", fastupdate=False),
            GinIndex(fields=["words"], opclasses=["gin_trgm_ops"], name="published_words", fastupdate=False),
            GinIndex(fields=["slips"], name="published_slips", fastupdate=False),
            GinIndex(fields=["tags"], name="published_tags", fastupdate=False),
            GinIndex(fields=["places"], name="published_places", fastupdate=False),
            models.Index(fields=["tenant_id", "display_order"], name="published_by_order"),
            models.Index(fields=["tenant_id", "compare_minor"], name="published_by_price"),
            models.Index(fields=["tenant_id", "slug"], name="published_by_slug"),
            models.Index(fields=["tenant_id", "latitude", "longitude"], name="published_by_point"),
        ]

    def __str__(self) -> str:
        return self.slug
