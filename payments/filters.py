import django_filters

from payments.models import Payment, PaymentStatus


class PaymentFilter(django_filters.FilterSet):
    booking_id = django_filters.UUIDFilter(field_name="booking_id", label="The payments of one booking.")
    status = django_filters.ChoiceFilter(choices=PaymentStatus.choices)
    gateway = django_filters.CharFilter()

    class Meta:
        model = Payment
        fields: list[str] = []
