"""What the dashboard says of the promises: whether the last nightly check found them kept."""

from django.http import HttpRequest
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import InvariantReport
from config.dashboard import Figure, Panel, panel


@panel(order=95, permission="accounts.view_invariantreport")
def promises(request: HttpRequest) -> Panel:
    last = InvariantReport.objects.first()
    link = reverse("admin:accounts_invariantreport_changelist")
    if last is None:
        figure = Figure(_("Seats, money and repeats"), _("not checked yet"), link=link)
    else:
        faults = sum(len(sentences) for sentences in last.faults.values())
        figure = Figure(
            _("Seats, money and repeats"),
            _("all promises kept") if last.is_clean else ngettext("{n} fault", "{n} faults", faults).format(n=faults),
            note=date_format(localtime(last.ran_at), "SHORT_DATETIME_FORMAT"),
            link=link,
            tone="good" if last.is_clean else "bad",
        )
    return Panel(title=_("Promises kept"), figures=[figure])
