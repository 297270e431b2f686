"""Pages without signing in: a wish list that somebody shares."""

from decimal import Decimal
from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views import View

from accounts.models import Tenant
from config.i18n import language_now
from config.pages import page_language, show_page
from config.tenancy import tenant_context
from ledger.money import format_money
from tours.admin.shown import duration
from tours.errors import WishListNotFound
from tours.selectors import wishes


class SharedWishesPage(View):
    """The tours of a list, as they are now. It acts for the operator that the address names, and changes nothing."""

    http_method_names = ["get", "head", "options"]

    def get(self, request: Any, token: str) -> HttpResponse:
        with page_language(request):
            try:
                tenant = Tenant.objects.filter(pk=wishes.opened_by(token)[1], is_active=True).first()
                if tenant is None:
                    raise WishListNotFound
                request.tenant = tenant
                with tenant_context(tenant.pk):
                    return _shown(request, token)
            except WishListNotFound:
                return show_page(request, "pages/wishes_missing.html", {}, status=404)


def _shown(request: HttpRequest, token: str) -> HttpResponse:
    shared = wishes.shared_list(token)
    _total, items = wishes.saved_tours(shared.customer_id, language=language_now(), page=1, size=200)
    tours = [_in_words(row["tour"]) for row in orjson.loads(f"[{items}]")]
    return show_page(request, "pages/wishes.html", {"name": shared.customer.first_name, "tours": tours})


def _in_words(card: dict[str, Any]) -> dict[str, Any]:
    price = card["price_from"]
    return card | {
        "length": duration(card["duration_minutes"], card["nights"]),
        "price": format_money(Decimal(price), card["currency"]) if price is not None else "",
    }


urlpatterns = [path("w/<str:token>", SharedWishesPage.as_view(), name="shared_wishes")]
