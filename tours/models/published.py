"""The published facts of a tour: what the public list searches and sorts by.

The table has no policy on purpose: policies keep the planner from using indexes for full-text, trigram and range
operators, and everything here is public anyway. Each query still filters by tenant.
"""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models

from config.ids import uuid7


class PublishedTour(models.Model):
    """One row for each public tour, rewritten with it. Money in minor units of `currency`, durations in minutes."""

    tour_id = models.UUIDField(primary_key=True, default=uuid7)
    tenant_id = models.UUIDField()
    slug = models.CharField(max_length=220)
    kind = models.CharField(max_length=10)
    title_en = models.CharField(max_length=200)
    title_ar = models.CharField(max_length=200)
    title_key_ar = models.CharField(max_length=220, help_text="Normalised, for sorting Arabic titles.")
    destination_id = models.UUIDField()
    country = models.CharField(max_length=2)
    place_words = models.TextField(help_text="Country, region and city in both languages, normalised, for matching.")
    category = models.CharField(max_length=40)
    difficulty = models.CharField(max_length=12)
    tags = ArrayField(models.CharField(max_length=40), default=list)
    duration_minutes = models.IntegerField()
    price_minor = models.BigIntegerField(null=True)
    original_minor = models.BigIntegerField(null=True)
    # The price in the tenant's own currency, so that tours in several currencies compare.
    compare_minor = models.BigIntegerField(null=True)
    currency = models.CharField(max_length=3)
    rating = models.IntegerField(default=0, help_text="Hundredths of a star.")
    popularity = models.IntegerField(default=0)
    is_featured = models.BooleanField(default=False)
    display_order = models.IntegerField(default=0)
    created_at = models.DateTimeField()
    # Ready to send, by language: the list answers from here.
    card_en = models.JSONField(default=dict)
    card_ar = models.JSONField(default=dict)
    words = models.TextField(help_text="Title and places in both languages, normalised, for trigrams.")
    vector = SearchVectorField(null=True)

    class Meta:
        indexes = [
            GinIndex(fields=["vector"], name="published_vector"),
            GinIndex(fields=["words"], opclasses=["gin_trgm_ops"], name="published_words"),
            GinIndex(fields=["tags"], name="published_tags"),
            models.Index(fields=["tenant_id", "display_order"], name="published_by_order"),
            models.Index(fields=["tenant_id", "compare_minor"], name="published_by_price"),
            models.Index(fields=["tenant_id", "slug"], name="published_by_slug"),
        ]

    def __str__(self) -> str:
        return self.slug
