"""What every operator starts with: categories, price categories, cancellation policies, a tax rate.

Safe to repeat: what is there already stays as staff have made it.
"""

from decimal import Decimal

from tours.models import CancellationPolicy, CancellationTier, Category, PriceCategory, TaxRate

# code, English, Arabic, Material Symbol
CATEGORIES = [
    ("adventure", "Adventure", "مغامرات", "hiking"),
    ("beach", "Beach", "شواطئ", "beach_access"),
    ("cultural", "Cultural", "ثقافية", "museum"),
    ("nature", "Nature", "طبيعة", "forest"),
    ("spiritual", "Spiritual", "روحانية", "mosque"),
    ("wildlife", "Wildlife", "حياة برية", "pets"),
    ("heritage", "Heritage", "تراث", "account_balance"),
    ("luxury", "Luxury", "فاخرة", "diamond"),
    ("budget", "Budget", "اقتصادية", "savings"),
    ("family", "Family", "عائلية", "family_restroom"),
    ("honeymoon", "Honeymoon", "شهر العسل", "favorite"),
    ("business", "Business", "أعمال", "business_center"),
    ("weekend", "Weekend", "عطلة نهاية الأسبوع", "weekend"),
    ("seasonal", "Seasonal", "موسمية", "calendar_month"),
    ("entertainment", "Entertainment", "ترفيه", "theater_comedy"),
    ("sports", "Sports", "رياضة", "sports_soccer"),
    ("wellness", "Wellness", "استجمام وعافية", "spa"),
]

# code, English, Arabic, age from, age to, places
PRICE_CATEGORIES = [
    ("adult", "Adult", "بالغ", 12, None, 1),
    ("child", "Child", "طفل", 3, 11, 1),
    ("infant", "Infant", "رضيع", 0, 2, 0),
    ("senior", "Senior", "كبير السن", 60, None, 1),
    ("group", "Group member", "فرد ضمن مجموعة", None, None, 1),
]

# English, Arabic, tiers of hours before departure and percent back
POLICIES = [
    ("Flexible", "مرنة", [(24, 100)]),
    ("Moderate", "متوسطة", [(168, 100), (72, 50)]),
    ("Strict", "صارمة", [(720, 50)]),
]


def seed_tenant() -> None:
    Category.objects.bulk_create(
        [
            Category(code=code, name_en=english, name_ar=arabic, icon=icon, display_order=place)
            for place, (code, english, arabic, icon) in enumerate(CATEGORIES, start=1)
        ],
        ignore_conflicts=True,
    )
    PriceCategory.objects.bulk_create(
        [
            PriceCategory(
                code=code,
                name_en=english,
                name_ar=arabic,
                min_age=least,
                max_age=most,
                seats=seats,
                display_order=place,
            )
            for place, (code, english, arabic, least, most, seats) in enumerate(PRICE_CATEGORIES, start=1)
        ],
        ignore_conflicts=True,
    )
    for english, arabic, tiers in POLICIES:
        policy, made = CancellationPolicy.objects.get_or_create(name_en=english, defaults={"name_ar": arabic})
        if made:
            CancellationTier.objects.bulk_create(
                [
                    CancellationTier(policy=policy, hours_before=hours, refund_percent=Decimal(percent))
                    for hours, percent in tiers
                ]
            )
    TaxRate.objects.get_or_create(
        code="vat-eg",
        defaults={
            "name_en": "VAT (Egypt)",
            "name_ar": "ضريبة القيمة المضافة (مصر)",
            "percent": Decimal(14),
            "is_inclusive": True,
        },
    )
