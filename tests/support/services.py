"""Running a deployable under test: inside this process, or as a process that may be killed."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import IO, TypeVar

import httpx
from pydantic_settings import BaseSettings
from starlette.applications import Starlette

from tests.support.waiting import eventually

__all__ = ["Process", "client_of", "process", "settings_from"]

S = TypeVar("S", bound=BaseSettings)


@contextmanager
def _environ(values: Mapping[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    for name in [name for name in os.environ if name.startswith("PHOTOMESH_")]:
        del os.environ[name]
    os.environ.update(values)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def settings_from(kind: type[S], environment: Mapping[str, str], **changes: str) -> S:
    """Settings as a process with this environment would read them; `changes` are by field: ``port="18100"``."""
    extra = {f"PHOTOMESH_{name.upper()}": value for name, value in changes.items()}
    with _environ({**environment, **extra}):
        return kind()


@asynccontextmanager
async def client_of(app: Starlette, **headers: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an app in this process, inside its lifespan."""
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://service", headers=headers) as client:
            yield client


class Process:
    """A deployable as a process of its own. `url` is where it listens."""

    def __init__(self, popen: subprocess.Popen[bytes], log: IO[bytes], url: str) -> None:
        self._popen = popen
        self._log = log
        self.url = url

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def output(self) -> str:
        self._log.seek(0)
        return self._log.read().decode(errors="replace")

    @property
    def exit_code(self) -> int | None:
        """None while it runs; -9 after SIGKILL."""
        return self._popen.poll()

    async def ready(self, within: float = 30.0) -> None:
        async with httpx.AsyncClient() as client:

            async def look() -> int:
                if self.exit_code is not None:
                    raise RuntimeError(f"ended with {self.exit_code}:\n{self.output[-3000:]}")
                try:
                    return (await client.get(f"{self.url}/readyz", timeout=5)).status_code
                except httpx.TransportError:
                    return 0

            await eventually(look, until=lambda status: status == 200, within=within)

    async def ended(self, within: float = 30.0) -> int:
        """Waits for its end; the exit code. Raises TimeoutError with the last lines of its output."""

        async def look() -> int | None:
            return self.exit_code

        try:
            code = await eventually(look, until=lambda code: code is not None, within=within)
        except AssertionError as error:
            raise TimeoutError(f"it runs on after {within:.0f} s:\n{self.output[-3000:]}") from error
        assert code is not None
        return code

    def kill(self, how: signal.Signals = signal.SIGKILL) -> None:
        if self.exit_code is None:
            self._popen.send_signal(how)


@asynccontextmanager
async def process(
    module: str,
    environment: Mapping[str, str],
    *,
    port: int,
    failpoints: str = "",
    ready: bool = True,
) -> AsyncIterator[Process]:
    """Runs ``python -m module``; ended for certain when the context closes."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("PHOTOMESH_")}
    env |= dict(environment) | {"PHOTOMESH_PORT": str(port)}
    if failpoints:
        env["PHOTOMESH_FAILPOINTS"] = failpoints
    with tempfile.TemporaryFile() as log:
        popen = subprocess.Popen([sys.executable, "-m", module], env=env, stdout=log, stderr=subprocess.STDOUT)
        running = Process(popen, log, f"http://127.0.0.1:{port}")
        try:
            if ready:
                await running.ready()
            yield running
        finally:
            running.kill(signal.SIGTERM)
            try:
                await asyncio.to_thread(popen.wait, 20)
            except subprocess.TimeoutExpired:
                running.kill()
                await asyncio.to_thread(popen.wait)
