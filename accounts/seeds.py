"""What every operator needs from accounts."""

from accounts.models import PriceGroup
from accounts.roles import seed_roles

# code, English, Arabic
PRICE_GROUPS = [
    ("bronze", "Bronze", "برونزي"),
    ("silver", "Silver", "فضي"),
    ("gold", "Gold", "ذهبي"),
    ("platinum", "Platinum", "بلاتيني"),
    ("diamond", "Diamond", "ماسي"),
]


def seed_tenant() -> None:
    seed_roles()
    PriceGroup.objects.bulk_create(
        [
            PriceGroup(code=code, name_en=english, name_ar=arabic, display_order=place)
            for place, (code, english, arabic) in enumerate(PRICE_GROUPS, start=1)
        ],
        ignore_conflicts=True,
    )
