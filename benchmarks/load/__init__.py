"""Requests of many people, sent from a process of its own.

    closed   so many connections; each sends its next request as soon as the one before is answered
    open     requests start at fixed times, whether or not earlier ones are answered, and each is timed from when it
             was due: a server that stalls is charged for everybody who would have come meanwhile

One process with uvloop; it reports what processor time it used itself, because it shares the machine with the server.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

__all__ = ["Load", "Request", "send"]


@dataclass(frozen=True)
class Request:
    """One call by the holder of a token."""

    method: str
    path: str
    token: str
    body: str | None = None


@dataclass(frozen=True)
class Load:
    """What came back; times in seconds. `statuses` counts answers, and `failure` is one that was not 2xx."""

    requests: int
    seconds: float
    p50: float
    p95: float
    p99: float
    slowest: float
    cpu: float
    body_bytes: float
    statuses: Mapping[str, int]
    failure: str | None

    @property
    def rate(self) -> float:
        return self.requests / self.seconds


class LoadFailed(RuntimeError):
    """Requests were not answered with 2xx, so their times mean nothing."""


def send(
    url: str,
    requests: Iterable[Request],
    *,
    connections: int = 16,
    seconds: float | None = None,
    rate: float | None = None,
) -> Load:
    """Sends the requests in turn, over and over for so long; without `seconds` each once.

    With `rate` so many start every second, else each connection waits for its answer. Raises LoadFailed.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "requests.jsonl")
        file.write_text("".join(json.dumps(asdict(request)) + "\n" for request in requests))
        command = [sys.executable, "-m", "benchmarks.load", url, str(file), f"--connections={connections}"]
        command += [f"--seconds={seconds}"] if seconds is not None else []
        command += [f"--rate={rate}"] if rate is not None else []
        done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    load = Load(**json.loads(done.stdout))
    if load.failure is not None:
        raise LoadFailed(f"{url}: {dict(load.statuses)}, such as {load.failure}")
    return load
