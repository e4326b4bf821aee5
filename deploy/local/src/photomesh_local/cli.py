"""The mesh on this machine."""

import argparse
import asyncio
import os
import sys
import time
from collections.abc import Callable, Sequence

from photomesh_local import compose
from photomesh_local.configuration import registry
from photomesh_local.configuration.environment import as_lines, environment, kafka_environment
from photomesh_local.configuration.stack import STACKS, Stack
from photomesh_local.inspection import mails, report, topics, traces
from photomesh_local.lifecycle import display, up_and_down
from photomesh_local.processes.program import StackError
from photomesh_local.processes.supervisor import Supervisor

Command = Callable[[Stack, argparse.Namespace], None]


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    command: Command = options.command
    try:
        command(Stack(options.stack), options)
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

    def add(name: str, command: Command, text: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, parents=[common], help=text, description=text)
        added.set_defaults(command=command)
        return added

    up = add("up", _up, "start what does not run, wait until it is ready, show the URLs")
    up.add_argument("--only", nargs="+", metavar="NAME", help="programs, or groups (servers, services)")
    add("down", _down, "stop everything; data stays")
    add("clean", _clean, "stop everything and forget data, logs and secrets")
    add("status", _status, "every program: state, whether it answers, where")
    add("ps", _ps, "every program: process id, processes, memory")
    logs = add("logs", _logs, "follow the logs of all programs, or of some")
    logs.add_argument("programs", nargs="*", metavar="PROGRAM")
    logs.add_argument("--no-follow", action="store_true", help="print the end and stop")
    add("env", _env, "the environment of a program or a Kafka user, one NAME=value per line").add_argument("program")
    add("topics", _topics, "list the topics, or print one").add_argument("topic", nargs="?")
    add("mails", _mails, "print the mails that were sent")
    add("trace", _trace, "draw a trace").add_argument("id", help="trace id, request id, photo id …")
    add("engine", _engine, "how `up` would run: native or docker")
    return parser


def _up(stack: Stack, options: argparse.Namespace) -> None:
    began = time.monotonic()
    if compose.engine(_wanted_engine(stack)) == "docker":
        compose.up(stack, options.only, display.for_terminal)
        programs = set(up_and_down.PROGRAMS)
    else:
        up_and_down.up(stack, options.only, display.for_terminal)
        programs = set(Supervisor(stack).states())
    print(f"\nReady after {time.monotonic() - began:.1f} s.\n")
    rows = [address for program, address in report.addresses(stack).items() if program in programs]
    display.print_table(["what", "where"], [*rows, ("secrets", str(stack.secrets_file)), ("logs", str(stack.logs))])


def _wanted_engine(stack: Stack) -> str:
    return "native" if stack.throwaway else os.environ.get("ENGINE") or "auto"


def _engine(stack: Stack, options: argparse.Namespace) -> None:
    print(compose.engine(_wanted_engine(stack)))


def _down(stack: Stack, options: argparse.Namespace) -> None:
    if compose.is_up(stack):
        compose.down(stack)
    stopped = up_and_down.down(stack)
    print(f"Stopped {', '.join(stopped)}." if stopped else "No process of the stack is left.")


def _clean(stack: Stack, options: argparse.Namespace) -> None:
    if compose.is_up(stack):
        compose.clean(stack)
    up_and_down.clean(stack)
    print(f"The {stack.name} stack is stopped, and its data, logs and secrets are gone.")


def _status(stack: Stack, options: argparse.Namespace) -> None:
    if compose.is_up(stack):
        compose.compose(stack, "ps")
        return
    information = Supervisor(stack).information()
    if not information:
        print(f"The {stack.name} stack is down.")
        return
    display.print_table(["program", "state", "answers", "where"], asyncio.run(report.status(stack, information)))


def _ps(stack: Stack, options: argparse.Namespace) -> None:
    display.print_table(["program", "pid", "processes", "memory"], report.processes(stack))


def _logs(stack: Stack, options: argparse.Namespace) -> None:
    chosen = options.programs or list(up_and_down.PROGRAMS)
    if unknown := [name for name in chosen if name not in up_and_down.PROGRAMS]:
        raise StackError(f"no program is named {', '.join(unknown)}: there are {', '.join(up_and_down.PROGRAMS)}")
    if compose.is_up(stack):
        compose.follow_logs(stack, options.programs, follow=not options.no_follow)
        return
    files = [str(path) for name in chosen if (path := stack.logs / f"{name}.log").exists()]
    if not files:
        raise StackError("there are no logs yet")
    follow = [] if options.no_follow else ["-F"]
    os.execvp("tail", ["tail", "-n", "50" if len(files) == 1 else "10", *follow, *files])  # noqa: S606


def _env(stack: Stack, options: argparse.Namespace) -> None:
    name = options.program
    only_kafka = name in registry.KAFKA_USERS and name not in registry.PROGRAMS
    print(as_lines(kafka_environment(stack, name) if only_kafka else environment(stack, name)))


def _topics(stack: Stack, options: argparse.Namespace) -> None:
    topics.show(stack, options.topic)


def _mails(stack: Stack, options: argparse.Namespace) -> None:
    mails.show(stack)


def _trace(stack: Stack, options: argparse.Namespace) -> None:
    for line in traces.draw(stack, options.id):
        print(line)
