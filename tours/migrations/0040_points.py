"""Where each published tour is, for distances. Rows that stand already get it here, and each time they are written."""

from django.db import migrations, models

FILL = """
UPDATE tours_publishedtour p SET latitude = d.latitude, longitude = d.longitude
FROM tours_destination d WHERE d.id = p.destination_id AND d.tenant_id = p.tenant_id
"""

# A search reads the row of every tour: cards and texts, which only those on the page need, are better kept apart from it.
NARROW = "ALTER TABLE tours_publishedtour SET (toast_tuple_target = 512)"


class Migration(migrations.Migration):
    dependencies = [("tours", "0051_feeds")]

    operations = [
        migrations.AddField(
            "publishedtour",
            "latitude",
            models.FloatField(help_text="Of the destination, in degrees; unknown until written anew.", null=True),
        ),
        migrations.AddField("publishedtour", "longitude", models.FloatField(null=True)),
        migrations.RunSQL(NARROW, "ALTER TABLE tours_publishedtour RESET (toast_tuple_target)"),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
        migrations.AddIndex(
            "publishedtour",
            models.Index(fields=["tenant_id", "latitude", "longitude"], name="published_by_point"),
        ),
        migrations.AddIndex(
            "departure",
            models.Index(
                condition=models.Q(("status", "OPEN")), fields=["tour", "local_date"], name="departure_open_days"
            ),
        ),
    ]
