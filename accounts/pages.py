"""The pages behind the links in our mails."""

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views import View

from accounts.errors import LinkRefused
from accounts.links import Purpose, read_link_token, tenant_of_link
from accounts.services.passwords import reset_password
from accounts.services.registration import verify_email
from config.errors import InvalidInput
from config.pages import page_language, show_page
from config.tenancy import tenant_context

REFUSED = "pages/link_refused.html"


class LinkPage(View):
    """Acts for the operator whose mail brought the link. Opening it changes nothing: mail programs open links by themselves."""

    purpose: Purpose

    def dispatch(self, request: Any, *args: Any, token: str = "", **kwargs: Any) -> Any:
        with page_language(request):
            try:
                tenant = tenant_of_link(self.purpose, token)
                with tenant_context(tenant.pk):
                    request.tenant = tenant
                    read_link_token(self.purpose, token)
                    return super().dispatch(request, *args, token=token, **kwargs)
            except LinkRefused as refusal:
                return show_page(request, REFUSED, {"message": str(refusal)}, status=410)


class VerifyEmailPage(LinkPage):
    purpose = Purpose.VERIFY

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        return show_page(request, "pages/verify_email.html", {"person": read_link_token(self.purpose, token)})

    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        return show_page(request, "pages/verify_email.html", {"person": verify_email(token=token), "done": True})


class NewPasswordForm(forms.Form):
    password = forms.CharField(
        label=gettext_lazy("New password"),
        min_length=8,
        max_length=128,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password", "autofocus": True, "dir": "auto"}),
    )
    confirm_password = forms.CharField(
        label=gettext_lazy("The same again"),
        max_length=128,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password", "dir": "auto"}),
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if "password" in cleaned and cleaned.get("password") != cleaned.get("confirm_password"):
            self.add_error("confirm_password", _("The two passwords are not the same."))
        return cleaned


class ResetPasswordPage(LinkPage):
    purpose = Purpose.RESET

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        return self.show(request, token, NewPasswordForm())

    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        form = NewPasswordForm(request.POST)
        if not form.is_valid():
            return self.show(request, token, form, status=400)
        try:
            reset_password(token=token, password=form.cleaned_data["password"])
        except InvalidInput as refusal:
            form.add_error("password", refusal.details["password"])
            return self.show(request, token, form, status=400)
        return show_page(request, "pages/reset_password.html", {"done": True})

    def show(self, request: HttpRequest, token: str, form: forms.Form, status: int = 200) -> HttpResponse:
        person = read_link_token(self.purpose, token)
        return show_page(request, "pages/reset_password.html", {"person": person, "form": form}, status=status)


urlpatterns = [
    path("auth/verify/<str:token>", VerifyEmailPage.as_view(), name="verify-email-page"),
    path("auth/reset/<str:token>", ResetPasswordPage.as_view(), name="reset-password-page"),
]
