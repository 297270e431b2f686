"""The pictures on a tour's page: upload, order, cover, focal point, texts. Each step is saved at once, on a phone too."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from config.admin import page
from config.errors import DomainError, InvalidInput
from tours.models import Tour, TourImage
from tours.services import add_image, change_image, delete_image, order_images
from tours.services.images import MOST_IMAGES

TEXT = 200  # letters of an alternative text


def manager(request: HttpRequest, tour: Tour, refusal: str = "") -> SafeString:
    """The tour's pictures as they are now, as HTML."""
    images = list(TourImage.objects.filter(tour=tour).select_related("tour"))
    context = {
        "tour": tour,
        "images": [_card(image) for image in images],
        "refusal": refusal,
        "may_change": request.user.has_perm("tours.change_tour"),  # type: ignore[union-attr]
        "is_full": len(images) >= MOST_IMAGES,
        "most": MOST_IMAGES,
        "most_letters": TEXT,
    }
    return render_to_string("admin/tours/pictures/manager.html", context, request=request)


def _card(image: TourImage) -> dict[str, Any]:
    url = image.file.storage.url
    wide = {size["width"]: size["file"] for size in image.sizes if size["kind"] == "wide"}
    fitting = [width for width in sorted(wide) if width >= 640] or sorted(wide)[-1:]
    preview = url(wide[fitting[0]]) if fitting else (image.thumbnail or image.file).url
    crop = next((size for size in image.sizes if size["kind"] == "card"), None)
    return {
        "row": image,
        "preview": preview,
        "crop": url(crop["file"]) if crop else "",
        "is_making": image.sizes_due_at is not None and not image.gave_up,
        "share": f"{image.width} / {image.height}" if image.height else "3 / 2",
    }


@page("tours/<uuid:tour_id>/pictures/", name="tour_pictures", permission="tours.view_tour")
def pictures(request: HttpRequest, tour_id: UUID) -> HttpResponse:
    """One step (`do`: add, texts, focus, cover, move, delete) by POST; the answer is the manager as it is then."""
    tour = Tour.objects.alive().filter(pk=tour_id).first()
    if tour is None:
        raise Http404
    refusal, status = "", 200
    if request.method == "POST":
        if not request.user.has_perm("tours.change_tour"):  # type: ignore[union-attr]
            raise PermissionDenied
        try:
            _step(request, tour)
        except DomainError as fault:
            refusal, status = _in_words(fault), fault.status
    return HttpResponse(manager(request, tour, refusal), status=status)


def _step(request: HttpRequest, tour: Tour) -> None:
    said: Mapping[str, Any] = request.POST
    match said.get("do"):
        case "add":
            add_image(tour_id=tour.pk, upload=_upload(request), actor=request.user)
        case "texts":
            data = {name: str(said[name]).strip() for name in ("alt_en", "alt_ar") if name in said}
            if any(len(text) > TEXT for text in data.values()):
                raise InvalidInput(details={"alt": [_("At most {most} letters.").format(most=TEXT)]})
            change_image(image_id=_own(said, tour), data=data, actor=request.user)
        case "focus":
            data = {name: _percent(said.get(name)) for name in ("focus_x", "focus_y")}
            change_image(image_id=_own(said, tour), data=data, actor=request.user)
        case "cover":
            change_image(image_id=_own(said, tour), data={"is_cover": True}, actor=request.user)
        case "order":
            ids = [_uuid(part) for part in str(said.get("order", "")).split(",")]
            order_images(tour_id=tour.pk, image_ids=ids, actor=request.user)
        case "delete":
            delete_image(image_id=_own(said, tour), actor=request.user)
        case _:
            raise InvalidInput(details={"do": [_("This step is not known.")]})


def _upload(request: HttpRequest) -> Any:
    upload = request.FILES.get("file")
    if upload is None:
        raise InvalidInput(details={"file": [_("Choose a picture.")]})
    return upload


def _own(said: Mapping[str, Any], tour: Tour) -> UUID:
    """The picture that is meant, if it is one of this tour's."""
    image_id = _uuid(str(said.get("image", "")))
    if not TourImage.objects.filter(pk=image_id, tour=tour).exists():
        raise InvalidInput(details={"image": [_("This picture has been deleted meanwhile.")]})
    return image_id


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as fault:
        raise InvalidInput(details={"image": [_("This picture has been deleted meanwhile.")]}) from fault


def _percent(text: Any) -> int:
    try:
        value = round(float(text))
    except (TypeError, ValueError, OverflowError) as fault:
        raise InvalidInput(details={"focus": [_("A number from 0 to 100.")]}) from fault
    if not 0 <= value <= 100:
        raise InvalidInput(details={"focus": [_("A number from 0 to 100.")]})
    return value


def _in_words(fault: DomainError) -> str:
    """The sentences about single fields say more than the one above them."""
    sentences = [str(text) for texts in fault.details.values() if isinstance(texts, list) for text in texts]
    return " ".join(sentences) or str(fault)
