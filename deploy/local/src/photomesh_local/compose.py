"""The dev stack in containers, from `docker-compose.yml`, where a Docker engine answers."""

import shutil
import subprocess
from collections.abc import Callable, Collection
from functools import cache, partial
from typing import Literal

from photomesh_local.configuration.secrets import write_private
from photomesh_local.configuration.stack import ROOT, Stack
from photomesh_local.lifecycle.readiness import blocking
from photomesh_local.lifecycle.steps import Step, run_steps
from photomesh_local.lifecycle.up_and_down import PROGRAMS, Screen, failures, wait_for
from photomesh_local.processes.program import StackError

Engine = Literal["native", "docker"]
# Building images and pulling servers may take minutes on the first run; from then on seconds.
_DEADLINE = 300.0


def engine(wanted: str = "auto") -> Engine:
    """How to run: as `wanted` says (`native`, `docker`), or by whether a Docker engine with Compose answers."""
    match wanted:
        case "native":
            return "native"
        case "docker":
            if not engine_answers():
                raise StackError("ENGINE=docker, but no Docker engine answers `docker info`")
            if not _compose_command():
                raise StackError("ENGINE=docker, but Docker Compose is not installed (docker-compose-plugin)")
            return "docker"
        case "auto":
            return "docker" if engine_answers() and _compose_command() else "native"
        case _:
            raise StackError(f"ENGINE={wanted}: it is one of auto, native, docker")


@cache
def engine_answers() -> bool:
    """Whether there is a Docker engine to run containers in."""
    return shutil.which("docker") is not None and _succeeds("docker", "info")


@cache
def _compose_command() -> tuple[str, ...]:
    """The plugin, or its standalone predecessor; empty when there is neither."""
    if shutil.which("docker") and _succeeds("docker", "compose", "version"):
        return ("docker", "compose")
    return ("docker-compose",) if shutil.which("docker-compose") else ()


def _succeeds(*command: str) -> bool:
    return subprocess.run(command, capture_output=True, timeout=20, check=False).returncode == 0


def compose(stack: Stack, *arguments: str, check: bool = True) -> int:
    """`docker compose …` on our file, with ports and secrets; its exit code."""
    values = stack.directory / "compose.env"
    lines = (f"{name}={value}\n" for name, value in {**stack.ports, **stack.secrets}.items())
    write_private(values, "".join(lines))
    files = ["--project-directory", str(ROOT), "--file", str(ROOT / "docker-compose.yml"), "--env-file", str(values)]
    command = [*_compose_command(), "--project-name", f"photomesh-{stack.name}", *files, *arguments]
    code = subprocess.run(command, check=False).returncode
    if check and code != 0:
        raise StackError(f"`{' '.join([*_compose_command(), arguments[0]])}` failed with {code}")
    return code


def up(stack: Stack, only: Collection[str] | None, screen: Callable[[Collection[Step], str], Screen]) -> None:
    """Build, start, and wait until every program answers on its port, as the native stack does."""
    _only_dev(stack)
    compose(stack, "up", "--detach", "--build", "--remove-orphans", *(only or ()))
    # Compose started PostgreSQL's dependents after it was healthy; asking it again would need psql here.
    chosen = [name for name in (only or PROGRAMS) if name in PROGRAMS and name != "postgres"]
    steps = [Step(name, "containers", partial(wait_for, stack, PROGRAMS[name])) for name in chosen]
    with screen(steps, "Photomesh, in containers") as shown:
        board = blocking(run_steps(steps, shown, _DEADLINE))
    failures(stack, board)


def down(stack: Stack) -> None:
    _only_dev(stack)
    compose(stack, "down", "--remove-orphans")


def clean(stack: Stack) -> None:
    _only_dev(stack)
    compose(stack, "down", "--remove-orphans", "--volumes")


def follow_logs(stack: Stack, programs: Collection[str], *, follow: bool) -> None:
    compose(stack, "logs", "--tail=50", *(["--follow"] if follow else []), *programs, check=False)


def is_up(stack: Stack) -> bool:
    """Whether containers of this stack exist, whatever ENGINE says now."""
    if stack.throwaway or not _compose_command() or not engine_answers():
        return False
    label = f"label=com.docker.compose.project=photomesh-{stack.name}"
    listed = subprocess.run(["docker", "ps", "--quiet", "--filter", label], capture_output=True, text=True, check=False)
    return bool(listed.stdout.strip())


def _only_dev(stack: Stack) -> None:
    if stack.throwaway:
        raise StackError("the test stack is made of ordinary processes only: use ENGINE=native")
