"""Pages of guides: their work to come, accepting and declining, their calendar. Looking changes nothing."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.urls import path, reverse
from django.utils.decorators import method_decorator
from django.utils.formats import date_format
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.views import View
from django.views.decorators.csrf import csrf_exempt

from accounts.models import Tenant
from config.errors import DomainError
from config.i18n import in_language
from config.pages import page_language, show_page
from config.tenancy import tenant_context
from tours.errors import EngagementNotFound
from tours.guides import calendar_address, calendar_of, opened_by, work_of
from tours.models import Engagement, EngagementState, Resource
from tours.services.resources import answer_engagement


class GuidePage(View):
    """Acts for the operator and the guide that the address names."""

    resource: Resource

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        with page_language(request):
            try:
                resource_id, tenant_id, version = opened_by(kwargs["token"])
                tenant = Tenant.objects.filter(pk=tenant_id, is_active=True).first()
                if tenant is None:
                    raise EngagementNotFound
                with tenant_context(tenant.pk):
                    request.tenant = tenant
                    found = Resource.objects.filter(pk=resource_id, link_version=version, is_active=True).first()
                    if found is None:
                        raise EngagementNotFound
                    self.resource = found
                    return super().dispatch(request, *args, **kwargs)
            except EngagementNotFound:
                return show_page(request, "pages/guide_missing.html", {}, status=404)


# The address is the secret; there is no session that another page could ride on.
@method_decorator(csrf_exempt, name="dispatch")
class GuideWork(GuidePage):
    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        return self._show(request, token)

    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        """`engagement`, `answer` (accept or decline) and a `note`."""
        answer = request.POST.get("answer", "")
        try:
            engagement = self._asked(request.POST.get("engagement", ""))
            if answer not in ("accept", "decline"):
                raise EngagementNotFound
            answer_engagement(
                engagement_id=engagement.pk, accepts=answer == "accept", note=request.POST.get("note", "")[:300]
            )
        except DomainError as refusal:
            return self._show(request, token, refusal=str(refusal), status=refusal.status)
        thanks = _("Thank you: you go.") if answer == "accept" else _("Thank you: we ask somebody else.")
        return self._show(request, token, thanks=thanks)

    def _asked(self, given: str) -> Engagement:
        """Only of their own work."""
        try:
            found = Engagement.objects.filter(pk=UUID(given), resource=self.resource, departure__isnull=False).first()
        except ValueError:
            found = None
        if found is None:
            raise EngagementNotFound
        return found

    def _show(
        self, request: HttpRequest, token: str, *, refusal: str = "", thanks: str = "", status: int = 200
    ) -> HttpResponse:
        work = [each for each in work_of(self.resource) if each.departure and each.departure.ends_at > now()]
        context = {
            "resource": str(self.resource),
            "refusal": refusal,
            "thanks": thanks,
            "rows": [_row(each) for each in work],
            "calendar_url": reverse("guide-calendar", args=[token]),
            "feed": calendar_address(self.resource),
        }
        return show_page(request, "pages/guide.html", context, status=status)


def _row(each: Engagement) -> dict[str, Any]:
    departure: Any = each.departure
    start = departure.local_start()
    return {
        "pk": each.pk,
        "title": in_language(departure.tour, "title"),
        "option": in_language(departure.option, "name"),
        "when": f"{date_format(start, 'l j F Y')} · {start:%H:%M}",
        "where": in_language(departure.tour, "meeting_point"),
        "guests": departure.seats_booked,
        "is_asked": each.state == EngagementState.ASSIGNED,
        "may_answer": departure.starts_at > now(),
        "state": each.get_state_display(),
    }


class GuideCalendar(GuidePage):
    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        answer = HttpResponse(calendar_of(self.resource), content_type="text/calendar; charset=utf-8")
        answer["Content-Disposition"] = 'inline; filename="calendar.ics"'
        answer["Cache-Control"] = "private, max-age=300"
        answer["X-Robots-Tag"] = "noindex"
        return answer


urlpatterns = [
    path("g/<str:token>", GuideWork.as_view(), name="guide-work"),
    path("g/<str:token>/calendar.ics", GuideCalendar.as_view(), name="guide-calendar"),
]
