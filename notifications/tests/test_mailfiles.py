import re
from email import message_from_bytes, policy

import pytest
from django.core.mail import EmailMessage, get_connection

BACKEND = "notifications.mailfiles.EmailBackend"


@pytest.fixture
def folder(settings, tmp_path):
    settings.MAIL_DIR = tmp_path / "not" / "there" / "yet"
    return settings.MAIL_DIR


def mail(to="mona@example.com", **headers):
    return EmailMessage(
        "Ticket رحلة", "Text", "a@rihla.example", [to], headers=headers, connection=get_connection(BACKEND)
    )


def test_each_mail_is_one_whole_file_that_names_it(folder):
    mail(**{"X-Rihla-Template": "booking_confirmed", "Message-ID": "<0199@rihla.example>"}).send()
    mail().send()
    names = sorted(path.name for path in folder.iterdir())
    assert len(names) == 2
    assert any(re.fullmatch(r"\d{8}-\d{6}-booking_confirmed-mona@example\.com-0199\.eml", name) for name in names)
    for path in folder.iterdir():
        read = message_from_bytes(path.read_bytes(), policy=policy.default)
        assert read["Subject"] == "Ticket رحلة"
        assert read.get_content().strip() == "Text"


def test_no_address_reaches_another_folder(folder):
    mail(to="../../etc/passwd@example.com").send()
    assert [path.name[16:40] for path in folder.iterdir()] == ["mail-.._.._etc_passwd@ex"]
