"""The kinds of booking that every operator starts with. Staff edit the rows."""

from bookings.models import BookingKind

KINDS = {
    "TOUR": ("Tour", "جولة", "tour", "#267a73"),
    "PACKAGE": ("Package", "باقة", "luggage", "#7c4d9e"),
    "ACTIVITY": ("Activity", "نشاط", "kayaking", "#c2611f"),
    "HOTEL": ("Hotel", "فندق", "hotel", "#3557a8"),
    "FLIGHT": ("Flight", "رحلة جوية", "flight", "#1f7fb5"),
    "TRANSPORTATION": ("Transportation", "نقل", "airport_shuttle", "#5b6b2f"),
    "CAR_RENTAL": ("Car rental", "تأجير سيارة", "directions_car", "#a8434f"),
}


def kind_called(code: str) -> BookingKind:
    """The kind with this code, made from the list above where the operator has no such row yet."""
    name_en, name_ar, icon, colour = KINDS[code]
    kind, _made = BookingKind.objects.get_or_create(
        code=code,
        defaults={
            "name_en": name_en,
            "name_ar": name_ar,
            "icon": icon,
            "colour": colour,
            "display_order": list(KINDS).index(code),
        },
    )
    return kind
