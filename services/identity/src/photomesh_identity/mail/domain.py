"""The mails that accounts get: which there are, and their text.

The text of a template is the file of its name in `templates/`: the first line is the subject, and after an empty line
comes the body. `$username` and the parameters of the mail are filled in.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from enum import StrEnum
from functools import cache
from importlib.resources import files
from string import Template
from uuid import UUID

__all__ = ["MAIL_LIFETIME", "Mail", "MailTemplate", "compose", "link", "moment", "one_line"]

MAIL_LIFETIME = timedelta(days=1)
"""How long a mail is of use, unless it says otherwise; then it is given up."""

_PARAMETER_MAX = 500
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\s]+")


class MailTemplate(StrEnum):
    """Each has a file in `templates/`."""

    NEW_LOGIN = "new_login"  # when, device
    SECOND_FACTOR_ENABLED = "second_factor_enabled"  # when
    SECOND_FACTOR_REMOVED = "second_factor_removed"  # when
    RECOVERY_CODE_USED = "recovery_code_used"  # when, left
    TOKEN_MADE = "token_made"  # noqa: S105  # when, token
    PASSKEY_ADDED = "passkey_added"  # when, passkey
    PASSKEY_REMOVED = "passkey_removed"  # when, passkey
    PASSWORD_CHANGED = "password_changed"  # noqa: S105  # when
    PASSWORD_RESET = "password_reset"  # noqa: S105  # link, minutes
    EMAIL_VERIFICATION = "email_verification"  # link, hours
    EMAIL_IN_USE = "email_in_use"
    EMAIL_CHANGE_ASKED = "email_change_asked"  # when
    EMAIL_CHANGED = "email_changed"  # when
    ACCOUNT_DEACTIVATED = "account_deactivated"  # when
    ACCOUNT_LEAVING = "account_leaving"  # when, id, link
    ACCOUNT_RETURNED = "account_returned"  # when
    EXPORT_REQUESTED = "export_requested"  # when
    EXPORT_READY = "export_ready"  # when
    SESSIONS_ENDED = "sessions_ended"  # when
    USERNAME_CHANGED = "username_changed"  # when, before


@dataclass(frozen=True)
class Mail:
    """A mail of the queue. `message_id` is the same at every attempt to send it."""

    id: int
    message_id: UUID
    username: str
    address: str
    template: MailTemplate
    parameters: Mapping[str, str]
    queued_at: datetime
    expires_at: datetime
    attempts: int


def link(app_url: str, page: str, token: str) -> str:
    """A link of a mail. The token is in the fragment, which browsers send to nobody: it is in no log, and in no
    `Referer`."""
    return f"{app_url}/{page}#token={token}"


def moment(when: datetime) -> str:
    """A time as people read it."""
    return f"{when.astimezone(UTC):%d %B %Y, %H:%M} UTC"


def one_line(value: str) -> str:
    """A parameter as it is put into a mail: on one line and bounded, since some are written by strangers (a device's
    name)."""
    text = _UNPRINTABLE.sub(" ", value).strip()
    return text if len(text) <= _PARAMETER_MAX else text[: _PARAMETER_MAX - 1] + "…"


def compose(mail: Mail, sender: str) -> EmailMessage:
    """The mail as plain text. `sender`: `Name <address>`. Raises KeyError if a parameter of its template is missing."""
    subject, body = _template(mail.template)
    values = {name: one_line(value) for name, value in {**mail.parameters, "username": mail.username}.items()}
    message = EmailMessage()
    message["From"] = sender
    message["To"] = mail.address
    message["Subject"] = subject.substitute(values)
    message["Date"] = format_datetime(mail.queued_at)
    message["Message-ID"] = f"<{mail.message_id}@{parseaddr(sender)[1].rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no holiday notes in reply
    message.set_content(body.substitute(values), cte="quoted-printable")
    return message


@cache
def _template(template: MailTemplate) -> tuple[Template, Template]:
    text = files(__package__).joinpath("templates", f"{template}.txt").read_text()
    subject, _, body = text.partition("\n\n")
    return Template(subject), Template(body)
