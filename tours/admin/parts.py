"""The parts of a tour on its page: options, itinerary, pictures."""

from typing import Any

from django import forms
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.admin import StackedInline, TabularInline
from unfold.decorators import display

from config.errors import DomainError
from config.images import checked_image
from tours.admin.pages import TwoLanguages
from tours.admin.shown import prices_of
from tours.models import ItineraryDay, Tour, TourImage, TourOption
from tours.services import change_image, delete_image
from tours.services.images import CHANGEABLE, ensure_cover, keep_image


class OptionInline(TwoLanguages, TabularInline):
    model = TourOption
    fields = ["name_en", "name_ar", "code", "capacity", "duration_minutes", "is_default", "price_list"]
    readonly_fields = ["price_list"]
    extra = 0
    hide_title = True

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("tour").prefetch_related("prices__category")

    @display(description=gettext_lazy("prices and schedule"))
    def price_list(self, option: TourOption) -> str:
        if option._state.adding:
            return _("Save first, then add prices.")
        return format_html(
            '{}<a class="text-primary-600 dark:text-primary-500 font-medium" href="{}">{}</a>',
            prices_of(option, option.tour.currency_id),
            reverse("admin:tours_touroption_change", args=[option.pk]),
            _("Prices and schedule"),
        )


class ItineraryInline(TwoLanguages, StackedInline):
    model = ItineraryDay
    fields = [
        "day",
        ("title_en", "title_ar"),
        ("description_en", "description_ar"),
        ("activities_en", "activities_ar"),
        ("breakfast", "lunch", "dinner"),
    ]
    extra = 0
    collapsible = True


class KeptPicture(forms.Widget):
    """A picture that is there already: how large it is."""

    def __init__(self, image: TourImage) -> None:
        super().__init__()
        self.image = image

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> Any:
        return format_html(
            '<bdi dir="ltr" class="whitespace-nowrap">{} × {}</bdi>', self.image.width, self.image.height
        )


class ImageForm(forms.ModelForm):
    """The picture is chosen once; afterwards its texts, its place and whether it is the cover can be changed."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.instance._state.adding:
            self.fields["file"].disabled = True
            self.fields["file"].widget = KeptPicture(self.instance)

    def clean_file(self) -> Any:
        upload = self.cleaned_data["file"]
        if not self.instance._state.adding:
            return upload
        try:
            return checked_image(upload, "file")
        except DomainError as refusal:
            raise forms.ValidationError(refusal.details["file"]) from refusal

    def _get_validation_exclusions(self) -> set[str]:
        """Which picture is the cover is settled for all of them together, by the services."""
        return super()._get_validation_exclusions() | {"tour"}  # type: ignore[misc]


class ImageInline(TwoLanguages, TabularInline):
    model = TourImage
    form = ImageForm
    fields = ["preview", "file", "alt_en", "alt_ar", "is_cover", "display_order"]
    readonly_fields = ["preview"]
    extra = 0
    hide_title = True

    @display(description=gettext_lazy("preview"))
    def preview(self, image: TourImage) -> str:
        if not image.thumbnail:
            return "–"
        return format_html('<img class="rihla-thumbnail" src="{}" alt="" loading="lazy">', image.thumbnail.url)

    @staticmethod
    def save_rows(request: HttpRequest, tour: Tour, formset: Any) -> None:
        save_images(request.user, tour, formset)


def save_images(actor: Any, tour: Tour, formset: Any) -> None:
    """Delete, add and change pictures as the page says, through the services."""
    formset.save(commit=False)
    for image in formset.deleted_objects:
        delete_image(image_id=image.pk, actor=actor)
    for row in formset.forms:
        if row.has_changed() and not row.cleaned_data.get("DELETE"):
            if row.instance in formset.new_objects:
                _add(actor, tour, row.cleaned_data)
            else:
                _change(actor, row)
    ensure_cover(tour.pk)


def _add(actor: Any, tour: Tour, values: dict[str, Any]) -> None:
    keep_image(
        tour_id=tour.pk,
        picture=values["file"],
        alt_en=values.get("alt_en") or "",
        alt_ar=values.get("alt_ar") or "",
        display_order=values.get("display_order") or None,
        is_cover=values["is_cover"],
        actor=actor,
    )


def _change(actor: Any, row: Any) -> None:
    data = {name: row.cleaned_data[name] for name in row.changed_data if name in CHANGEABLE}
    if "is_cover" in row.changed_data and row.cleaned_data["is_cover"]:
        data["is_cover"] = True  # a cover is never merely unticked: another picture takes it over
    change_image(image_id=row.instance.pk, data=data, actor=actor)
