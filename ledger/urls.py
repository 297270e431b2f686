from django.urls import path

from ledger import views

urlpatterns = [
    path("currencies", views.CurrencyList.as_view(), name="currencies"),
    path("exchange-rates", views.ExchangeRateList.as_view(), name="exchange-rates"),
]
