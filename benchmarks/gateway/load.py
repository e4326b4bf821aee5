"""Load, from a process of its own: wrk where it is installed, else a generator in asyncio.

``python -m benchmarks.gateway.load`` is that generator; it answers with one line of JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter

__all__ = ["Load", "generator", "run"]

_REPORT = """
wrk.method, wrk.body = %(method)s, %(body)s
done = function(summary, latency)
  local e = summary.errors
  io.write(string.format(
    '\\n{"requests": %%d, "seconds": %%f, "failed": %%d, "p50": %%f, "p95": %%f, "p99": %%f}\\n',
    summary.requests, summary.duration / 1e6, e.connect + e.read + e.write + e.status + e.timeout,
    latency:percentile(50) / 1e6, latency:percentile(95) / 1e6, latency:percentile(99) / 1e6))
end
"""


@dataclass(frozen=True)
class Load:
    """What came back; latencies in seconds."""

    requests: int
    seconds: float
    failed: int
    p50: float
    p95: float
    p99: float

    @property
    def rate(self) -> float:
        return self.requests / self.seconds


def generator() -> str:
    """What makes the load, for the report."""
    return "wrk" if shutil.which("wrk") else "an asyncio generator (wrk is not installed)"


def run(url: str, *, token: str, body: str | None, connections: int, seconds: int, cores: Sequence[int]) -> Load:
    """Sends requests over so many connections, each as soon as the one before is answered."""
    headers = [f"Authorization: Bearer {token}"] if token else []
    if body is not None:
        headers.append("Content-Type: application/json")
    if shutil.which("wrk"):
        line = _wrk(url, headers, body, connections, seconds, cores)
    else:
        command = [sys.executable, "-m", "benchmarks.gateway.load", url, str(connections), str(seconds)]
        command += [f"--header={header}" for header in headers] + ([f"--body={body}"] if body is not None else [])
        line = _output([*_pinned(cores), *command])
    return Load(**json.loads(line))


def _wrk(
    url: str, headers: Sequence[str], body: str | None, connections: int, seconds: int, cores: Sequence[int]
) -> str:
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder, "report.lua")
        method = "POST" if body is not None else "GET"
        script.write_text(_REPORT % {"method": json.dumps(method), "body": "nil" if body is None else json.dumps(body)})
        command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}", "--timeout", "10", "-s", str(script)]
        return _output([*_pinned(cores), *command, *(f"-H{header}" for header in headers), url])


def _pinned(cores: Sequence[int]) -> list[str]:
    return ["taskset", "-c", ",".join(map(str, cores))] if cores and shutil.which("taskset") else []


def _output(command: Sequence[str]) -> str:
    """The last line that the command wrote."""
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout.strip().splitlines()[-1]


async def _generate(url: str, request: bytes, connections: int, seconds: float) -> Load:
    host, _, port = url.removeprefix("http://").partition("/")[0].partition(":")
    latencies: list[float] = []
    failed = 0
    started = perf_counter()

    async def client() -> None:
        nonlocal failed
        reader, writer = await asyncio.open_connection(host, int(port))
        while (asked := perf_counter()) - started < seconds:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
            await reader.readexactly(int(length.partition(b":")[2]))
            latencies.append(perf_counter() - asked)
            failed += not head.startswith(b"HTTP/1.1 2")
        writer.close()

    await asyncio.gather(*(client() for _ in range(connections)))
    took = perf_counter() - started
    latencies.sort()
    p50, p95, p99 = (latencies[int(len(latencies) * share)] for share in (0.50, 0.95, 0.99))
    return Load(len(latencies), took, failed, p50, p95, p99)


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.gateway.load")
    parser.add_argument("url")
    parser.add_argument("connections", type=int)
    parser.add_argument("seconds", type=float)
    parser.add_argument("--header", action="append", default=[])
    parser.add_argument("--body")
    arguments = parser.parse_args()
    authority, _, path = arguments.url.removeprefix("http://").partition("/")
    body = None if arguments.body is None else arguments.body.encode()
    lines = [f"{'GET' if body is None else 'POST'} /{path} HTTP/1.1", f"Host: {authority}", *arguments.header]
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    request = "\r\n".join([*lines, "", ""]).encode() + (body or b"")
    print(json.dumps(asdict(asyncio.run(_generate(arguments.url, request, arguments.connections, arguments.seconds)))))


if __name__ == "__main__":
    main()
