"""`python -m photomesh_local up|down|status|logs|clean|env|ps`"""

import argparse
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from photomesh_local import display, lifecycle
from photomesh_local.environment import HTTP_PORTS, as_lines, environment
from photomesh_local.orphans import pid_file, pid_of
from photomesh_local.program import StackError
from photomesh_local.sockets import descendants
from photomesh_local.stack import STACKS, Stack
from photomesh_local.supervision import Supervisor


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    try:
        options.command(Stack(options.stack), options)
    except (StackError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--stack", choices=STACKS, default="dev", help="dev (the default) or test")
    parser = argparse.ArgumentParser(prog="photomesh_local", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="command")

    def command(name: str, function: object, text: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, parents=[common], help=text, description=text)
        added.set_defaults(command=function)
        return added

    up = command("up", _up, "start what does not run, wait until it is ready, show the URLs")
    up.add_argument(
        "--only", nargs="+", metavar="NAME", help="programs or groups (servers, provision, services) and their needs"
    )
    command("down", _down, "stop everything; data stays")
    command("clean", _clean, "stop everything and forget data, logs and secrets")
    command("status", _status, "every program: state, since when, where")
    command("ps", _ps, "every program: process id, processes, memory")
    logs = command("logs", _logs, "follow the logs of all programs, or of some")
    logs.add_argument("programs", nargs="*", metavar="PROGRAM")
    logs.add_argument("--no-follow", action="store_true", help="print the end and stop")
    env = command("env", _env, "the environment of a program, one NAME=value per line")
    env.add_argument("program")
    return parser


def _up(stack: Stack, options: argparse.Namespace) -> None:
    began = time.monotonic()
    lifecycle.up(stack, options.only, display.for_terminal)
    print(f"\nReady after {time.monotonic() - began:.1f} s.\n")
    states = Supervisor(stack).states()
    display.print_table(["what", "where"], [row for program, row in urls(stack) if program in states])


def urls(stack: Stack) -> list[tuple[str, tuple[str, str]]]:
    """(program, (what, where)) for people."""
    ports = stack.ports

    def http(port: str, path: str = "") -> str:
        return f"http://127.0.0.1:{ports[port]}{path}"

    return [
        ("gateway", ("API", http("GATEWAY", "/v1"))),
        ("gateway", ("API documentation", http("GATEWAY", "/docs"))),
        ("edge", ("CDN edge", http("EDGE", "/variants/<key>"))),
        ("shield", ("CDN shield", http("SHIELD"))),
        *((name, (name, http(port))) for name, port in HTTP_PORTS.items() if name != "gateway"),
        ("seaweedfs", ("object storage (S3)", http("S3"))),
        ("kafka", ("Kafka", f"127.0.0.1:{ports['KAFKA']}")),
        ("cassandra", ("Cassandra", f"127.0.0.1:{ports['CASSANDRA']}")),
        ("postgres", ("PostgreSQL", f"127.0.0.1:{ports['POSTGRES']}")),
        ("redis", ("Redis", f"127.0.0.1:{ports['REDIS']}")),
        ("kafka", ("logs", f"{stack.logs}/<program>.log")),
        ("kafka", ("secrets", str(stack.secrets_file))),
    ]


def _down(stack: Stack, options: argparse.Namespace) -> None:
    stopped = lifecycle.down(stack)
    print(f"Stopped {', '.join(stopped)}." if stopped else "Nothing was running.")


def _clean(stack: Stack, options: argparse.Namespace) -> None:
    lifecycle.clean(stack)
    print(f"The {stack.name} stack is stopped, and its data, logs and secrets are gone.")


def _status(stack: Stack, options: argparse.Namespace) -> None:
    information = Supervisor(stack).information()
    if not information:
        print(f"The {stack.name} stack is down.")
        return
    rows = []
    for name in lifecycle.PROGRAMS:
        info = information.get(name, {})
        state = str(info.get("statename", "not started")).lower()
        where = ", ".join(row[1] for program, row in urls(stack) if program == name and "127.0.0.1" in row[1])
        rows.append((name, state, str(info.get("description", "")), where))
    display.print_table(["program", "state", "", "where"], rows)


def _ps(stack: Stack, options: argparse.Namespace) -> None:
    rows = []
    total = 0
    for name in lifecycle.PROGRAMS:
        if (pid := pid_of(pid_file(stack, name))) is not None:
            family = descendants(pid)
            memory = sum(map(_memory, family))
            total += memory
            rows.append((name, str(pid), str(len(family)), f"{memory >> 20} MB"))
    display.print_table(["program", "pid", "processes", "memory"], [*rows, ("all", "", "", f"{total >> 20} MB")])


def _memory(pid: int) -> int:
    """Bytes; what is shared with others counts by its share (PSS)."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)


def _logs(stack: Stack, options: argparse.Namespace) -> None:
    chosen = options.programs or list(lifecycle.PROGRAMS)
    if unknown := [name for name in chosen if name not in lifecycle.PROGRAMS]:
        raise StackError(f"no program is named {', '.join(unknown)}: there are {', '.join(lifecycle.PROGRAMS)}")
    files = [str(path) for name in chosen if (path := stack.logs / f"{name}.log").exists()]
    if not files:
        raise StackError("there are no logs yet")
    follow = [] if options.no_follow else ["-F"]
    os.execvp("tail", ["tail", "-n", "50" if len(files) == 1 else "10", *follow, *files])  # noqa: S606


def _env(stack: Stack, options: argparse.Namespace) -> None:
    print(as_lines(environment(stack, options.program)))
