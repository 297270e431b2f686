"""The mails of accounts."""

from accounts.links import Purpose, link_to
from accounts.models import User
from accounts.services.passwords import grant_reset
from accounts.services.registration import grant_verification
from notifications.mail import write_message
from notifications.models import Event
from notifications.outbox import on


@on("verification.asked_for")
def find_who_wants_verification(event: Event) -> None:
    grant_verification(email=event.data["email"])


@on("reset.asked_for")
def find_who_wants_a_reset(event: Event) -> None:
    grant_reset(email=event.data["email"])


@on("user.registered", "user.verification_asked")
def send_verification(event: Event) -> None:
    user = User.objects.get(pk=event.subject_id)
    if user.email_verified_at is None:
        write_message(
            "verify_email",
            to=user.email,
            language=user.language,
            once_key=f"verify_email:{event.pk}",
            context={"person": user, "link": link_to(Purpose.VERIFY, user, user.language)},
            about=user,
            secret=True,
        )


@on("user.reset_asked")
def send_reset(event: Event) -> None:
    user = User.objects.get(pk=event.subject_id)
    write_message(
        "reset_password",
        to=user.email,
        language=user.language,
        once_key=f"reset_password:{event.pk}",
        context={
            "person": user,
            "link": link_to(Purpose.RESET, user, user.language),
            "invited": event.data.get("invited", False),
        },
        about=user,
        secret=True,
    )


@on("user.password_changed")
def tell_of_new_password(event: Event) -> None:
    user = User.objects.get(pk=event.subject_id)
    write_message(
        "password_changed",
        to=user.email,
        language=user.language,
        once_key=f"password_changed:{event.pk}",
        context={"person": user},
        about=user,
    )
