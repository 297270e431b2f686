from django.urls import path

from ledger import views

urlpatterns = [
    path("currencies", views.CurrencyList.as_view(), name="currencies"),
    path("admin/ledger/trial-balance", views.TrialBalances.as_view(), name="trial-balance"),
    path("exchange-rates", views.ExchangeRateList.as_view(), name="exchange-rates"),
]
