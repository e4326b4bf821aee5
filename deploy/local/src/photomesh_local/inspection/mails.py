"""The mails that the mesh has sent, as its mail server keeps them."""

import mailbox
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import parsedate_to_datetime

from photomesh_local.compose import compose, is_up
from photomesh_local.configuration.stack import Stack

__all__ = ["mails", "show"]


def mails(stack: Stack) -> list[EmailMessage]:
    """All mails of a stack that runs as processes, the oldest first."""
    folder = stack.data / "mail" / "box"
    return sorted(_read(mailbox.Maildir(folder)), key=_sent) if folder.exists() else []


def show(stack: Stack) -> None:
    """Print every mail; from containers, the last one, as the others are in the browser."""
    if is_up(stack):
        print(f"All mails: http://127.0.0.1:{stack.ports['MAIL_PAGE']}. The last one:\n", flush=True)
        compose(stack, "exec", "-T", "mail", "wget", "-qO-", "http://127.0.0.1:8025/view/latest.txt", check=False)
        return
    found = mails(stack)
    for mail in found:
        print(f"{mail['Date']}  {mail['To']}\n{mail['Subject']}\n\n{mail.get_content()}\n{'-' * 72}")
    print(f"{len(found)} mails, in {stack.data / 'mail' / 'box'}")


def _read(box: mailbox.Maildir) -> Iterator[EmailMessage]:
    for key in box.iterkeys():
        message = message_from_bytes(box.get_bytes(key), policy=policy.default)
        assert isinstance(message, EmailMessage)
        yield message


def _sent(mail: EmailMessage) -> float:
    return parsedate_to_datetime(mail["Date"]).timestamp()
