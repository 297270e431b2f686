from django.db import migrations, models

# Bookings that were confirmed without being paid, or became dearer afterwards, had no day: theirs is the trip's
# start, or its closing where guests come when they like (`Booking.begins_by`).
# The owner is held to the policy of the table, which names one tenant; it is forced again after `migrate` (`secure_tables`).
DAYS_FOR_DEBTS = """
ALTER TABLE bookings_booking NO FORCE ROW LEVEL SECURITY;
UPDATE bookings_booking
SET balance_due_at = CASE WHEN (quote->>'any_time')::boolean THEN ends_at ELSE starts_at END
WHERE status IN ('CONFIRMED', 'IN_PROGRESS', 'COMPLETED') AND balance_due_at IS NULL AND amount_refunded = 0
  AND amount_paid < total;
"""


class Migration(migrations.Migration):
    dependencies = [("bookings", "0030_allotments")]

    operations = [
        migrations.RemoveConstraint(model_name="booking", name="booking_deposit_with_its_day"),
        migrations.AddConstraint(
            model_name="booking",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("deposit_amount", None),
                    models.Q(("balance_due_at__isnull", False), ("deposit_amount__gt", 0)),
                    _connector="OR",
                ),
                name="booking_deposit_with_its_day",
            ),
        ),
        migrations.RunSQL(DAYS_FOR_DEBTS, migrations.RunSQL.noop),
        migrations.RemoveIndex(model_name="booking", name="booking_balance_due"),
        migrations.AddIndex(
            model_name="booking",
            index=models.Index(
                condition=models.Q(("balance_due_at__isnull", False)),
                fields=["tenant", "balance_due_at"],
                name="booking_balance_due",
            ),
        ),
    ]
