"""How the back-office looks: the settings of Unfold."""

from typing import Any

from django.templatetags.static import static
from django.utils.translation import gettext_lazy as _

from config.sidebar import SIDEBAR

THEME: dict[str, Any] = {
    "SITE_TITLE": "Rihla",
    "SITE_HEADER": "Rihla · رحلة",
    "SITE_SUBHEADER": _("Back-office"),
    "SITE_SYMBOL": "sailing",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("icon.svg")}],
    "LOGIN": {"form": "accounts.forms.SignInForm"},
    "SHOW_LANGUAGES": True,
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
    "BORDER_RADIUS": "8px",
    "DASHBOARD_CALLBACK": "config.dashboard.dashboard",
    "STYLES": [lambda request: static("admin/rihla.css")],
    "SCRIPTS": [lambda request: static("admin/focus.js"), lambda request: static("admin/copy.js")],
    "COLORS": {
        "primary": {
            "50": "#effaf8",
            "100": "#d8f2ee",
            "200": "#b4e4dd",
            "300": "#83d0c6",
            "400": "#4fb4a9",
            "500": "#33988e",
            "600": "#267a73",
            "700": "#22625d",
            "800": "#1f4f4c",
            "900": "#1d4240",
            "950": "#0b2726",
        }
    },
    "SIDEBAR": SIDEBAR,
}
