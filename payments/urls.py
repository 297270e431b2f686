from django.urls import path

from payments.views.api import PaymentViewSet, RefundView
from payments.views.notices import receive_notice
from payments.views.returns import payer_returned

urlpatterns = [
    path("payments", PaymentViewSet.as_view({"get": "list", "post": "create"}), name="payments"),
    path("payments/<uuid:pk>", PaymentViewSet.as_view({"get": "retrieve"}), name="payment"),
    path("payments/<uuid:pk>/refund", RefundView.as_view({"post": "create"}), name="payment-refund"),
    path("payments/return/<uuid:payment_id>", payer_returned, name="payment-return"),
    path("payments/webhooks/<slug:gateway>", receive_notice, name="payment-notices"),
]
