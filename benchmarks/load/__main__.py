"""``python -m benchmarks.load``: the process that sends; one line of JSON in the end."""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import sys
import time
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import chain, repeat
from pathlib import Path
from typing import cast

import uvloop

from benchmarks.load import Load

_GRACE_SECONDS = 120.0  # for the last answers: a queue that grew is a result, and it must empty for its P99


class Client:
    """All connections, and what was measured."""

    def __init__(self, requests: Sequence[bytes], *, once: bool) -> None:
        self._requests: Iterator[bytes] = iter(requests) if once else chain.from_iterable(repeat(requests))
        self._idle: list[Connection] = []
        self._due: deque[tuple[bytes, float]] = deque()
        self._active = 0
        self._quiet = asyncio.Event()
        self._closed_loop = False
        self.until = float("inf")
        self.latencies: list[float] = []
        self.statuses: Counter[str] = Counter()
        self.failure: str | None = None
        self.body_bytes = 0

    async def connect(self, host: str, port: int, connections: int) -> None:
        loop = asyncio.get_running_loop()
        for _ in range(connections):
            _, connection = await loop.create_connection(lambda: Connection(self), host, port)
            self._idle.append(connection)

    async def closed(self) -> None:
        """Every connection sends, and again when it is answered."""
        self._closed_loop = True
        idle, self._idle = self._idle, []
        for connection in idle:
            self._go_on(connection)
        await self._quiet.wait()

    async def paced(self, rate: float) -> None:
        """Requests start at fixed times; one that finds no connection free waits, and its clock runs."""
        started = time.perf_counter()
        number = 0
        while (due := started + number / rate) < self.until:
            if (early := due - time.perf_counter()) > 0:
                await asyncio.sleep(early)
            request = next(self._requests)
            if self._idle:
                self._start(self._idle.pop(), request, due)
            else:
                self._due.append((request, due))
            number += 1
        if self._active:
            self._quiet.clear()
            await self._quiet.wait()

    def answered(self, connection: Connection, status: str, answer: bytes, body: int, since: float) -> None:
        self.latencies.append(time.perf_counter() - since)
        self.statuses[status] += 1
        self.body_bytes += body
        if self.failure is None and not status.startswith("2"):
            self.failure = answer.partition(b"\r\n\r\n")[2][:500].decode(errors="replace") or status
        self._active -= 1
        self._go_on(connection)

    def lost(self) -> None:
        self.failure = self.failure or "a connection was closed"
        self.statuses["closed"] += 1
        self._quiet.set()

    def _start(self, connection: Connection, request: bytes, since: float) -> None:
        self._active += 1
        connection.send(request, since)

    def _go_on(self, connection: Connection) -> None:
        now = time.perf_counter()
        if self._due:
            self._start(connection, *self._due.popleft())
        elif self._closed_loop and now < self.until and (request := next(self._requests, None)) is not None:
            self._start(connection, request, now)
        else:
            self._idle.append(connection)
            if not self._active:
                self._quiet.set()


class Connection(asyncio.Protocol):
    """One request at a time; understands answers with a Content-Length, which all of ours have."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._answer = b""
        self._since = 0.0
        self._waiting = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by inheritance

    def send(self, request: bytes, since: float) -> None:
        self._since, self._waiting = since, True
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._answer += data
        end = self._answer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self._answer[:end].lower()
        at = head.find(b"\r\ncontent-length:")
        length = int(head[at + 17 :].partition(b"\r\n")[0]) if at >= 0 else 0
        if len(self._answer) < end + 4 + length:
            return
        answer, self._answer, self._waiting = self._answer, b"", False
        self._client.answered(self, head[9:12].decode(), answer, length, self._since)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._waiting:
            self._client.lost()


def _authority(url: str) -> str:
    return url.removeprefix("http://").rstrip("/")


def _encoded(line: str, authority: str) -> bytes:
    request = json.loads(line)
    body = (request["body"] or "").encode()
    lines = [f"{request['method']} {request['path']} HTTP/1.1", f"Host: {authority}"]
    if request["token"]:
        lines.append(f"Authorization: Bearer {request['token']}")
    if request["body"] is not None:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


async def _run(arguments: argparse.Namespace, requests: Sequence[bytes]) -> Load:
    host, _, port = _authority(arguments.url).partition(":")
    client = Client(requests, once=arguments.seconds is None)
    await client.connect(host, int(port), arguments.connections)
    gc.collect()
    gc.freeze()
    gc.disable()
    cpu, started = time.process_time(), time.perf_counter()
    if arguments.seconds is not None:
        client.until = started + arguments.seconds
    async with asyncio.timeout(arguments.seconds + _GRACE_SECONDS if arguments.seconds is not None else None):
        await (client.paced(arguments.rate) if arguments.rate else client.closed())
    took, cpu = time.perf_counter() - started, time.process_time() - cpu
    latencies = sorted(client.latencies)
    p50, p95, p99 = (latencies[min(len(latencies) - 1, int(len(latencies) * share))] for share in (0.50, 0.95, 0.99))
    return Load(
        requests=len(latencies),
        seconds=took,
        p50=p50,
        p95=p95,
        p99=p99,
        slowest=latencies[-1],
        cpu=cpu,
        body_bytes=client.body_bytes / len(latencies),
        statuses=dict(client.statuses),
        failure=client.failure,
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.load")
    parser.add_argument("url")
    parser.add_argument("requests", help="a file of requests, one as JSON on each line")
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--rate", type=float)
    arguments = parser.parse_args()
    lines = Path(arguments.requests).read_text().splitlines()
    requests = [_encoded(line, _authority(arguments.url)) for line in lines]
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        load = runner.run(_run(arguments, requests))
    json.dump(asdict(load), sys.stdout)


if __name__ == "__main__":
    main()
