"""The processes under load: the service, the bare proxy, and gateways with and without some of what they do."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from joserfc import jwt
from joserfc.jwk import ECKey

import photomesh_local as local
from benchmarks.gateway.without import PARTS
from photomesh_shared.ids import encode

__all__ = ["Target", "running"]

_TICKS = os.sysconf("SC_CLK_TCK")
_UVICORN = ("uvicorn", "--loop=uvloop", "--http=httptools", "--no-access-log", "--log-level=warning", "--lifespan=off")


@dataclass(frozen=True)
class Target:
    """Something to send requests to."""

    name: str
    url: str
    pid: int
    token: str

    def cpu_seconds(self) -> float:
        """What the process has used so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS


def _port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def _process(module: Sequence[str], environment: Mapping[str, str], health: str, cores: Sequence[int]) -> Iterator[int]:
    """A Python module as a process that answers; on the cores that are given."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("PHOTOMESH_", "OTEL_"))}
    with subprocess.Popen(
        [sys.executable, "-m", *module], env=env | dict(environment), stdout=subprocess.DEVNULL
    ) as process:
        try:
            if cores:
                os.sched_setaffinity(process.pid, cores)
            deadline = time.monotonic() + 30
            while True:
                try:
                    httpx.get(health).raise_for_status()
                    break
                except httpx.HTTPError:
                    if time.monotonic() > deadline or process.poll() is not None:
                        raise
                    time.sleep(0.1)
            yield process.pid
        finally:
            process.terminate()


def _token(key: ECKey) -> str:
    now = int(time.time())
    claims = {
        "iss": "photomesh",
        "aud": "photomesh-api",
        "sub": encode("u", 1),
        "sid": encode("ss", 1),
        "jti": uuid.uuid4().hex,
        "typ": "access",
        "iat": now,
        "exp": now + 3600,
    }
    return jwt.encode({"alg": "ES256", "kid": key.kid}, claims, key)


@contextmanager
def running(*, proxy_core: Sequence[int], other_core: Sequence[int], traces: Path) -> Iterator[dict[str, Target]]:
    """All targets, up. Redis is the test stack's."""
    local.up("test", only="redis")
    key = ECKey.generate_key("P-256", {"kid": uuid.uuid4().hex, "alg": "ES256"})
    token = _token(key)
    jwks = json.dumps({"keys": [key.as_dict(private=False)]})
    upstream = f"http://127.0.0.1:{_port()}"
    given = {name: value for name, value in local.environment("test", "gateway").items() if "TRACE" not in name}
    usual = given | {
        "PHOTOMESH_JWKS_URL": f"{upstream}/jwks.json",
        **{f"PHOTOMESH_{name}_URL": upstream for name in ("IDENTITY", "UPLOAD", "POST")},
    }
    whole = ["photomesh_gateway"]
    gateways: dict[str, tuple[list[str], dict[str, str]]] = {
        "gateway": (whole, {}),
        **{f"without {part}": (["benchmarks.gateway.without", part], {}) for part in PARTS},
        "with spans": (whole, {"PHOTOMESH_TRACE_FILE": str(traces), "PHOTOMESH_TRACE_SHARE": "1"}),
    }
    with ExitStack() as stack:

        def start(name: str, module: Sequence[str], env: Mapping[str, str], url: str, health: str) -> Target:
            core = other_core if name == "straight" else proxy_core
            pid = stack.enter_context(_process(module, env, url + health, core))
            return Target(name, url, pid, token)

        targets = [
            start(
                "straight",
                [*_UVICORN, f"--port={upstream.rpartition(':')[2]}", "benchmarks.gateway.upstream:app"],
                {"BENCHMARK_JWKS": jwks},
                upstream,
                "/",
            )
        ]
        port = _port()
        targets.append(
            start(
                "bare proxy",
                [*_UVICORN, f"--port={port}", "benchmarks.gateway.bare:app"],
                {"BENCHMARK_UPSTREAM": upstream},
                f"http://127.0.0.1:{port}",
                "/",
            )
        )
        for name, (module, changes) in gateways.items():
            port = _port()
            env = usual | {"PHOTOMESH_PORT": str(port)} | changes
            targets.append(start(name, module, env, f"http://127.0.0.1:{port}", "/healthz"))
        yield {target.name: target for target in targets}
