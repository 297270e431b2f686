"""What Celery beat sends, and when: seconds between two runs, or a time of day in UTC.

Nothing rests on a run that is missed: each takes up whatever is due. `expires` is for what would only repeat itself once the
workers are behind.
"""

from typing import Any

from celery.schedules import crontab

JOBS: dict[str, dict[str, Any]] = {
    "tick": {"task": "config.tasks.tick", "schedule": 15, "options": {"expires": 15}},
    "sweep-outbox": {"task": "notifications.tasks.sweep_deliveries", "schedule": 15, "options": {"expires": 15}},
    "sweep-messages": {"task": "notifications.tasks.sweep_messages", "schedule": 30, "options": {"expires": 30}},
    "expire-holds": {"task": "bookings.tasks.expire_holds", "schedule": 60},
    "warn-of-ending-holds": {"task": "bookings.tasks.warn_of_ending_holds", "schedule": 60},
    "sweep-webhooks": {"task": "payments.tasks.sweep_inbox", "schedule": 15},
    "sweep-payments": {"task": "payments.tasks.sweep_payments", "schedule": 30},
    "sweep-refunds": {"task": "payments.tasks.sweep_refunds", "schedule": 30},
    "lapse-choices": {"task": "bookings.tasks.lapse_offers", "schedule": 120},
    "remind-of-balances": {"task": "bookings.tasks.remind_of_balances", "schedule": 300},
    "cancel-overdue": {"task": "payments.tasks.cancel_overdue", "schedule": 600},
    "progress-bookings": {"task": "bookings.tasks.progress_bookings", "schedule": 300},
    "sweep-images": {"task": "tours.tasks.sweep_images", "schedule": 120, "options": {"expires": 120}},
    "sweep-photos": {"task": "bookings.tasks.sweep_photos", "schedule": 120, "options": {"expires": 120}},
    "ask-for-reviews": {"task": "bookings.tasks.ask_for_reviews", "schedule": crontab(minute=40)},
    "publish-feeds": {"task": "tours.tasks.publish_feeds", "schedule": crontab(hour=3, minute=15)},
    "decide-departures": {"task": "tours.tasks.decide_departures", "schedule": 600},
    "arrange-allotments": {"task": "bookings.tasks.arrange_allotments", "schedule": crontab(minute=25)},
    "generate-departures": {"task": "tours.tasks.generate_departures", "schedule": crontab(hour=1, minute=10)},
    "sweep-imports": {"task": "tours.tasks.sweep_imports", "schedule": 300},
    "rebuild-catalogue": {"task": "tours.tasks.rebuild_catalogue", "schedule": crontab(hour=0, minute=5)},
    "gather-views": {"task": "tours.tasks.gather_views", "schedule": 60, "options": {"expires": 60}},
    "refresh-popularity": {"task": "tours.tasks.refresh_popularity", "schedule": crontab(minute=40)},
    "check-invariants": {"task": "accounts.tasks.check_invariants", "schedule": crontab(hour=2, minute=30)},
    "forget-old": {"task": "config.tasks.forget_old", "schedule": crontab(minute=20), "options": {"expires": 3000}},
}
