"""A receiver of webhooks that is a process, and is killed. It writes down what arrives before it answers, and what it
has accepted; what it has written is verified here."""

from __future__ import annotations

import asyncio
import base64
import json
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.support.https_receiver import Authority
from tests.support.tokens import free_port
from tests.support.waiting import eventually
from tests.support.webhook.receiver import Arrived, Hook, verified

__all__ = ["MortalReceiver"]


class MortalReceiver:
    def __init__(self, authority: Authority, host: str) -> None:
        self.host, self.port = host, free_port()
        self.hook = Hook(f"https://{self.address}/hook")
        self._certificate = authority.certificate_of(host)
        self._journal = authority.folder / f"{host}.journal"

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}"

    @asynccontextmanager
    async def running(self, pause: float) -> AsyncIterator[None]:
        """Until it is killed. `pause`: seconds between what arrives and the answer to it."""
        before = self.count("listening")
        command = (sys.executable, "-m", "tests.support.webhook.receiver_process", self.host, str(self.port))
        running = subprocess.Popen((*command, str(self._certificate), str(self._journal), str(pause)))
        try:
            await self.has_more("listening", before)
            yield
        finally:
            running.send_signal(signal.SIGKILL)
            await asyncio.to_thread(running.wait, 30)

    def count(self, what: str) -> int:
        return len(self._noted(what))

    async def has_more(self, what: str, than: int) -> None:
        async def look() -> int:
            return self.count(what)

        await eventually(look, until=lambda number: number > than, within=60, every=0.01)

    def requests(self, what: str) -> list[Arrived]:
        """What `arrived` or was `accepted`, in its order."""
        return [verified(base64.b64decode(one["body"]), one["headers"], self.hook.secrets) for one in self._noted(what)]

    def _noted(self, what: str) -> list[dict[str, Any]]:
        text = self._journal.read_text() if Path(self._journal).exists() else ""
        return [line for line in map(json.loads, text.splitlines()) if line["what"] == what]
