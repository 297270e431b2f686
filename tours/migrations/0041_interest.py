"""Wish lists, views by day, and popularity as a figure of its own: so far it was the number of bookings."""

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import config.ids
import config.models
import config.tenancy


def tenant() -> models.ForeignKey:
    return models.ForeignKey(
        default=config.tenancy.tenant_id_or_none,
        editable=False,
        on_delete=django.db.models.deletion.PROTECT,
        related_name="+",
        to="accounts.tenant",
    )


def key() -> models.UUIDField:
    return models.UUIDField(default=config.ids.uuid7, editable=False, primary_key=True, serialize=False)


def customer() -> models.ForeignKey:
    return models.ForeignKey(
        editable=False,
        on_delete=django.db.models.deletion.CASCADE,
        related_name="+",
        to=settings.AUTH_USER_MODEL,
        verbose_name="customer",
    )


def tour(related_name: str) -> models.ForeignKey:
    return config.models.TenantForeignKey(
        db_index=False,
        editable=False,
        on_delete=django.db.models.deletion.CASCADE,
        related_name=related_name,
        to="tours.tour",
        verbose_name="tour",
    )


class Migration(migrations.Migration):
    dependencies = [("tours", "0040_points"), migrations.swappable_dependency(settings.AUTH_USER_MODEL)]

    operations = [
        migrations.AddField(
            "tour", "popularity", models.PositiveIntegerField(default=0, editable=False, verbose_name="popularity")
        ),
        migrations.RunSQL("UPDATE tours_tour SET popularity = bookings_count", migrations.RunSQL.noop),
        migrations.CreateModel(
            "SavedTour",
            [
                ("id", key()),
                (
                    "saved_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name="saved at"),
                ),
                ("customer", customer()),
                ("tenant", tenant()),
                ("tour", tour("saved_by")),
            ],
            {
                "verbose_name": "saved tour",
                "verbose_name_plural": "saved tours",
                "ordering": ["saved_at", "id"],
                "indexes": [models.Index(fields=["tour", "saved_at"], name="saved_by_tour")],
                "constraints": [models.UniqueConstraint(fields=("tenant", "customer", "tour"), name="tour_saved_once")],
            },
        ),
        migrations.CreateModel(
            "SharedList",
            [
                ("id", key()),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="shared since")),
                ("customer", customer()),
                ("tenant", tenant()),
            ],
            {
                "verbose_name": "shared wish list",
                "verbose_name_plural": "shared wish lists",
                "constraints": [models.UniqueConstraint(fields=("tenant", "customer"), name="wish_list_shared_once")],
            },
        ),
        migrations.CreateModel(
            "TourDay",
            [
                ("id", key()),
                ("day", models.DateField(editable=False, verbose_name="date")),
                ("views", models.PositiveIntegerField(default=0, editable=False, verbose_name="views")),
                ("bookings", models.IntegerField(default=0, editable=False, verbose_name="bookings")),
                ("tenant", tenant()),
                ("tour", tour("days")),
            ],
            {
                "verbose_name": "interest of a day",
                "verbose_name_plural": "interest by day",
                "ordering": ["-day"],
                "constraints": [models.UniqueConstraint(fields=("tour", "day"), name="tour_day_once")],
            },
        ),
    ]
