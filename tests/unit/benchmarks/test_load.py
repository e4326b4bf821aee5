"""The generator of load, against a server that answers when it is told to."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator

import pytest

from benchmarks.load import LoadFailed, Request, send


class Server:
    """Answers every request after `delay` seconds, one at a time, as a busy process does."""

    def __init__(self) -> None:
        self.delay = 0.0
        self.status = "200 OK"
        self.heads: list[str] = []
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))

    def __enter__(self) -> Server:
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._answer, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        self._ready.set()
        await self._stop.wait()
        server.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                self.heads.append((await reader.readuntil(b"\r\n\r\n")).decode())
                time.sleep(self.delay)  # noqa: ASYNC251 — the whole process is busy
                writer.write(f"HTTP/1.1 {self.status}\r\nContent-Length: 5\r\n\r\nhello".encode())
        except asyncio.IncompleteReadError:
            writer.close()


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        yield server


def _requests(count: int) -> list[Request]:
    return [Request("GET", f"/{number}", f"token{number}") for number in range(count)]


def test_each_request_is_sent_once_with_its_token(server: Server) -> None:
    load = send(server.url, _requests(50), connections=4)
    assert load.requests == 50
    assert load.statuses == {"200": 50}
    assert load.body_bytes == 5
    assert {head.split()[1] for head in server.heads} == {f"/{number}" for number in range(50)}
    assert all(f"Bearer token{head.split()[1][1:]}\r\n" in head for head in server.heads)


def test_for_so_long_requests_come_in_turn(server: Server) -> None:
    load = send(server.url, _requests(3), connections=2, seconds=0.3)
    assert load.requests > 3
    assert 0.3 <= load.seconds < 2


def test_at_a_fixed_rate_a_slow_server_is_charged_for_all_who_wait(server: Server) -> None:
    server.delay = 0.02  # fifty a second, and two hundred come
    load = send(server.url, _requests(10), connections=64, seconds=0.5, rate=200)
    assert load.requests == 100
    assert load.slowest > 1.0  # the last of them was due after half a second and answered after two
    assert load.p50 > 0.3


def test_failures_end_a_benchmark(server: Server) -> None:
    server.status = "503 Service Unavailable"
    with pytest.raises(LoadFailed, match=r"503.*hello"):
        send(server.url, _requests(3), connections=1)
