"""A mail server that delivers nothing: what is sent to it stays in a folder (Maildir), for `make mails` and tests."""

import asyncio
import sys

from photomesh_local.configuration.stack import Stack
from photomesh_local.processes.program import Program
from photomesh_local.servers.base import HOST, Server


def prepare(stack: Stack) -> None:
    (stack.data / "mail").mkdir(parents=True, exist_ok=True)


def program(stack: Stack) -> Program:
    listen = f"{HOST}:{stack.ports['MAIL']}"
    # `-n`: it keeps its user. The Maildir is a folder below, since aiosmtpd makes only what is not there yet.
    command = (sys.executable, "-m", "aiosmtpd", "-n", "-l", listen, "-c", "aiosmtpd.handlers.Mailbox")
    return Program(name="mail", command=(*command, str(stack.data / "mail" / "box")))


async def probe(stack: Stack) -> None:
    reader, writer = await asyncio.open_connection(HOST, stack.ports["MAIL"])
    try:
        greeting = (await reader.readline()).decode(errors="replace").strip()
        if not greeting.startswith("220 "):
            raise ConnectionError(f"the mail server answers {greeting or 'nothing'}")
        writer.write(b"QUIT\r\n")
    finally:
        writer.close()


SERVER = Server("mail", prepare, program, probe)
