"""What people say about themselves."""

from functools import partial
from typing import Any

from django.core.files.base import File
from django.core.files.storage import default_storage
from django.db import transaction

from accounts.audit import differences, record, snapshot
from accounts.authentication import forget_account
from accounts.models import TravelPreferences, User
from config.images import checked_image, resized

PICTURE_BOX = (512, 512)


@transaction.atomic
def change_profile(*, user_id: Any, actor: Any, **changes: Any) -> User:
    """Set first_name, last_name, phone, date_of_birth, language or currency of a person."""
    user = User.objects.select_for_update().get(pk=user_id)
    return save_changes(user, changes, actor)


def save_changes(user: User, changes: dict[str, Any], actor: Any) -> User:
    """Write what differs, with its audit entry. The caller holds the row's lock."""
    before = snapshot(user)
    for name, value in changes.items():
        setattr(user, name, value)
    old, new = differences(before, snapshot(user))
    if new:
        user.save(update_fields=[*new, "updated_at"])
        record("accounts.user.changed", user, actor=actor, before=old, after=new)
        transaction.on_commit(partial(forget_account, user.pk))
    return user


def change_picture(*, user_id: Any, upload: File) -> User:
    """The person's picture from an upload, checked and made small. Raises `InvalidInput`."""
    return _store_picture(user_id, resized(checked_image(upload, "picture"), PICTURE_BOX))


def remove_picture(*, user_id: Any) -> User:
    """Safe to repeat."""
    return _store_picture(user_id, None)


@transaction.atomic
def _store_picture(user_id: Any, image: File | None) -> User:
    user = User.objects.select_for_update().get(pk=user_id)
    old = user.picture.name
    if image is None:
        user.picture = ""
    else:
        user.picture.save(f"{user.pk}.{(image.name or '').rpartition('.')[2]}", image, save=False)
    user.save(update_fields=["picture", "updated_at"])
    record("accounts.user.changed", user, actor=user, before={"picture": old}, after={"picture": user.picture.name})
    if old:
        transaction.on_commit(partial(default_storage.delete, old))
    return user


def preferences_of(user_id: Any) -> TravelPreferences:
    """What the person told this tenant; empty ones, not stored, where they told nothing."""
    return TravelPreferences.objects.filter(user_id=user_id).first() or TravelPreferences(user_id=user_id)


@transaction.atomic
def replace_preferences(*, user_id: Any, **values: Any) -> TravelPreferences:
    """Set all travel preferences at once."""
    preferences, _made = TravelPreferences.objects.update_or_create(user_id=user_id, defaults=values)
    return preferences
