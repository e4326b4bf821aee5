"""The local stack's mail server keeps what is sent to it."""

from __future__ import annotations

import secrets
import smtplib
from collections.abc import Mapping
from email.message import EmailMessage
from email.utils import formatdate

import pytest

import photomesh_local as local
from photomesh_local.inspection import mails


def test_what_is_sent_is_shown(ports: Mapping[str, int], capsys: pytest.CaptureFixture[str]) -> None:
    mail = EmailMessage()
    mail["From"], mail["To"] = "photomesh@example.com", f"{secrets.token_hex(6)}@example.com"
    mail["Subject"], mail["Date"] = "Schöne Grüße", formatdate()
    mail.set_content("Ein Link:\n\nhttp://127.0.0.1/app#token=abc\n")
    with smtplib.SMTP("127.0.0.1", ports["MAIL"], timeout=30) as server:
        server.send_message(mail)
    stack = local.Stack("test")
    (kept,) = (each for each in mails.mails(stack) if each["To"] == mail["To"])
    assert kept["Subject"] == mail["Subject"]
    assert kept.get_content().splitlines() == mail.get_content().splitlines()
    mails.show(stack)
    assert f"  {mail['To']}\nSchöne Grüße\n\nEin Link:" in capsys.readouterr().out
