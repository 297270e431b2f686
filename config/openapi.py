"""What drf-spectacular is told of the API's document. Lists of choices that several serializers share are named here."""

from typing import Any

OPENAPI: dict[str, Any] = {
    "TITLE": "Rihla API",
    "DESCRIPTION": "What customers, partners and staff of a tour operator do through Rihla.",
    "VERSION": "1.0.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "SORT_OPERATIONS": True,
    "ENUM_NAME_OVERRIDES": {
        "PaymentStatusEnum": "payments.models.PaymentStatus",
        "RefundStatusEnum": "payments.models.RefundStatus",
        "BookingStatusEnum": "bookings.models.BookingStatus",
        "BookingPaymentStatusEnum": "bookings.models.PaymentState",
        "HoldStatusEnum": "bookings.models.HoldStatus",
        "TourStatusEnum": "tours.models.TourStatus",
        "DepartureStatusEnum": "tours.models.DepartureStatus",
        "StartStatusEnum": "tours.selectors.availability.START_STATES",
        "ReviewStatusEnum": "bookings.models.ReviewStatus",
        "ReportReasonEnum": "bookings.models.ReportReason",
        "ExtraBasisEnum": "tours.models.ExtraBasis",
        "PickupBasisEnum": "tours.models.PickupBasis",
        "PricingBasisEnum": "tours.models.PricingBasis",
        "TourKindEnum": "tours.models.TourKind",
        "PriceRuleKindEnum": "tours.models.RuleKind",
        "PickupKindEnum": "tours.models.PickupKind",
        "LanguageEnum": "accounts.models.Language",
        "PictureSizeEnum": "tours.serializers.writing.SIZE_KINDS",
        "DayStatusEnum": "tours.selectors.availability.DAY_STATES",
    },
}
