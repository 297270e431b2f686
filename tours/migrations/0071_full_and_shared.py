"""How full a departure is for its price, with the pools it shares; and guides that could meet several needs are counted once."""

from django.db import migrations

from tours import guards


class Migration(migrations.Migration):
    dependencies = [("tours", "0021_blackouts")]

    operations = [
        migrations.RunSQL(guards.FULLNESS, "DROP FUNCTION tours_fullness(uuid)"),
        migrations.RunSQL(guards.RESOURCES_LEFT_TOGETHER, migrations.RunSQL.noop),
        migrations.RunSQL(guards.PLACES_LEFT, migrations.RunSQL.noop),
    ]
