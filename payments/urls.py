from django.urls import path

from payments.views.api import MismatchView, PaymentViewSet, RefundView
from payments.views.notices import receive_notice
from payments.views.returns import payer_returned
from payments.views.steps import PayPalView, StripeView

urlpatterns = [
    path("payments", PaymentViewSet.as_view({"get": "list", "post": "create"}), name="payments"),
    path("payments/ways", PaymentViewSet.as_view({"get": "ways"}), name="payment-ways"),
    path("payments/<uuid:pk>", PaymentViewSet.as_view({"get": "retrieve"}), name="payment"),
    path("payments/<uuid:pk>/refund", RefundView.as_view({"post": "create"}), name="payment-refund"),
    path("payments/create-order", PayPalView.as_view({"post": "create_order"}), name="payment-create-order"),
    path("payments/capture-order", PayPalView.as_view({"post": "capture_order"}), name="payment-capture-order"),
    path("payments/intent", StripeView.as_view({"post": "create_intent"}), name="payment-intent"),
    path("payments/confirm", StripeView.as_view({"post": "confirm"}), name="payment-confirm"),
    path("payments/refund", RefundView.as_view({"post": "create_for"}), name="payment-refund-of"),
    path("payments/<uuid:pk>/mismatch", MismatchView.as_view({"post": "resolve"}), name="payment-mismatch"),
    path("payments/return/<uuid:payment_id>", payer_returned, name="payment-return"),
    path("payments/webhooks/<slug:gateway>", receive_notice, name="payment-notices"),
]
