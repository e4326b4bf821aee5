"""The supervisor: its configuration, its life, and its answers."""

import os
import shlex
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xmlrpc.client import Fault, ServerProxy

from supervisor.xmlrpc import Faults, SupervisorTransport

from photomesh_local.configuration.secrets import write_private
from photomesh_local.configuration.stack import Stack
from photomesh_local.processes import orphans
from photomesh_local.processes.program import Program, StackError

# What programs inherit from the shell that ran `up`: enough to run, nothing that changes what they do.
_INHERITED = ("PATH", "HOME", "USER", "LANG", "LC_ALL", "TZ", "TMPDIR", "OTEL_EXPORTER_OTLP_ENDPOINT")


def script(stack: Stack, program: Program) -> str:
    """A shell script that becomes the program. Kept as a file, so that a person can run it by hand as well."""
    exports = [f"export {name}={shlex.quote(value)}" for name, value in sorted(program.environment.items())]
    return "\n".join(
        [
            "#!/bin/sh",
            f"# Starts {program.name} of the {stack.name} stack. Written by `make up`; changes are lost.",
            f"# revision {program.revision}",
            f"echo $$ > {shlex.quote(str(orphans.pid_file(stack, program.name)))}",
            *exports,
            f"cd {shlex.quote(str(program.directory))} || exit 1",
            f"exec {shlex.join(program.command)}",
            "",
        ]
    )


def script_path(stack: Stack, name: str) -> Path:
    return stack.run / "programs" / f"{name}.sh"


def program_section(stack: Stack, program: Program) -> str:
    """The supervisor's view of a program. Quoting is left to the script; a percent sign would be expanded."""
    command = shlex.quote(str(script_path(stack, program.name))).replace("%", "%%")
    log = str(stack.logs / f"{program.name}.log").replace("%", "%%")
    return f"""[program:{program.name}]
command={command}
stdout_logfile={log}
stdout_logfile_maxbytes=10MB
stdout_logfile_backups=3
redirect_stderr=true
autostart=true
autorestart={str(program.autorestart).lower()}
; Up for a second counts as started. What dies sooner is tried again ever less often, but never given up.
startsecs=1
startretries={1_000_000 if program.autorestart else 0}
stopsignal={program.stop_signal}
stopwaitsecs={program.stop_seconds}
; A program that must be killed takes its children along.
killasgroup=true
"""


def main_section(stack: Stack) -> str:
    def path(name: str) -> str:
        return str(stack.run / name).replace("%", "%%")

    log = str(stack.logs / "supervisord.log").replace("%", "%%")
    return f"""[unix_http_server]
file={str(stack.socket).replace("%", "%%")}
chmod=0600

[supervisord]
logfile={log}
logfile_maxbytes=5MB
logfile_backups=2
pidfile={path("supervisord.pid")}
identifier=photomesh-{stack.name}
{"user=root" if os.getuid() == 0 else ""}

[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface

[supervisorctl]
serverurl=unix://{stack.socket}

[include]
files = {path("programs/*.conf")}
"""


class Supervisor:
    """The supervisor of one stack, reached over its Unix socket."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._configuration = stack.run / "supervisord.conf"

    def _call(self, method: str, *arguments: object) -> Any:  # XML-RPC has no types to offer
        transport = SupervisorTransport(None, None, f"unix://{self._stack.socket}")
        proxy = ServerProxy("http://127.0.0.1", transport=transport)
        try:
            return getattr(proxy.supervisor, method)(*arguments)
        finally:
            transport.close()

    def running(self) -> bool:
        try:
            return bool(self._call("getState")["statename"] == "RUNNING")
        except (OSError, Fault):
            return False

    def ensure(self) -> None:
        """Start the supervisor if it does not answer, after tidying up what a killed one left."""
        for folder in (self._stack.logs, self._stack.run / "programs"):
            folder.mkdir(parents=True, exist_ok=True)
        if self.running():
            return
        orphans.stop_all(self._stack)
        for leftover in (*(self._stack.run / "programs").glob("*.conf"), self._stack.socket):
            leftover.unlink(missing_ok=True)
        write_private(self._configuration, main_section(self._stack))
        environment = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        command = [sys.executable, "-m", "photomesh_local.processes.supervisord", "-c", str(self._configuration)]
        started = subprocess.run(command, env=environment, cwd="/", capture_output=True, text=True, check=False)
        deadline = time.monotonic() + 15
        while not self.running():
            if started.returncode != 0 or time.monotonic() > deadline:
                raise StackError(f"the supervisor does not start: {started.stderr or started.stdout}")
            time.sleep(0.05)

    def apply(self, program: Program) -> bool:
        """Run the program as described: start it, or restart it if anything about it changed.

        True when something was done; False when exactly this is running already.
        """
        section, text = program_section(self._stack, program), script(self._stack, program)
        conf, path = self._paths(program.name)
        state = self.states().get(program.name)
        same = conf.exists() and path.exists() and conf.read_text() == section and path.read_text() == text
        if same and state in {"RUNNING", "STARTING", "BACKOFF"}:
            return False
        self.remove(program.name)
        write_private(path, text, mode=0o700)
        write_private(conf, section)
        self._call("reloadConfig")
        self._call("addProcessGroup", program.name)
        return True

    def _paths(self, name: str) -> tuple[Path, Path]:
        return script_path(self._stack, name).with_suffix(".conf"), script_path(self._stack, name)

    def start(self, name: str) -> None:
        self._tolerating(Faults.ALREADY_STARTED, "startProcess", name, False)

    def stop(self, name: str) -> None:
        """Stop a program and wait for its end; harmless when it does not run."""
        self._tolerating(Faults.NOT_RUNNING, "stopProcess", name, True)

    def remove(self, name: str) -> None:
        """Stop a program and forget it."""
        if name in self.states():
            self.stop(name)
            self._call("removeProcessGroup", name)
        for path in self._paths(name):
            path.unlink(missing_ok=True)

    def states(self) -> Mapping[str, str]:
        """Program → RUNNING, STARTING, BACKOFF, STOPPED, EXITED, FATAL …; empty when nothing runs."""
        return {name: info["statename"] for name, info in self.information().items()}

    def life(self, name: str) -> tuple[str, int]:
        """State and process id of a program; the id is 0 while it is down."""
        info = self.information().get(name, {"statename": "UNKNOWN", "pid": 0})
        return info["statename"], info["pid"]

    def information(self) -> Mapping[str, Mapping[str, Any]]:
        """Program → what the supervisor knows of it (pid, start, statename, description …)."""
        try:
            return {info["name"]: info for info in self._call("getAllProcessInfo")}
        except OSError:
            return {}

    def stop_supervisor(self) -> None:
        """End the supervisor itself, with whatever still runs under it."""
        self._tolerating(Faults.SHUTDOWN_STATE, "shutdown")
        deadline = time.monotonic() + 60
        while self._stack.socket.exists() and self.running_process():
            if time.monotonic() > deadline:
                raise StackError("the supervisor does not stop")
            time.sleep(0.05)

    def running_process(self) -> bool:
        return orphans.alive(self._stack.run / "supervisord.pid")

    def _tolerating(self, fault: int, method: str, *arguments: object) -> None:
        try:
            self._call(method, *arguments)
        except Fault as error:
            if error.faultCode != fault:
                raise StackError(f"supervisor: {error.faultString}") from error
