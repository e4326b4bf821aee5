"""What the supervisor is told, and what it does not lose."""

import configparser
import subprocess
from pathlib import Path

import pytest

from photomesh_local.configuration.stack import Stack
from photomesh_local.lifecycle.up_and_down import PROGRAMS
from photomesh_local.processes.program import Program
from photomesh_local.processes.supervisor import main_section, program_section, script

STACK = Stack("test")


def _read(text: str) -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser(inline_comment_prefixes=(";",))
    parser.read_string(text)
    return parser


@pytest.mark.parametrize("name", PROGRAMS)
def test_every_program_is_restarted_and_its_log_rotated(name: str) -> None:
    section = _read(program_section(STACK, Program(name, ("true",))))[f"program:{name}"]
    assert section["autorestart"] == "true"
    assert int(section["startretries"]) > 100_000  # never given up
    assert section["stdout_logfile"] == str(STACK.logs / f"{name}.log")
    assert section["stdout_logfile_maxbytes"] == "10MB"
    assert section["stdout_logfile_backups"] == "3"


def test_the_supervisor_listens_on_a_socket_for_its_owner_only() -> None:
    configuration = _read(main_section(STACK))
    assert configuration["unix_http_server"]["chmod"] == "0600"
    assert "inet_http_server" not in configuration


def test_a_script_hands_over_environment_and_arguments_untouched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Stack, "run", tmp_path)
    awkward = {"A": "it's $HOME", "B": '{"x": "%(y)s"}', "C": "two\nlines"}
    program = Program("kafka", ("printenv", "A", "B", "C"), environment=awkward, directory=tmp_path)
    path = tmp_path / "kafka.sh"
    path.write_text(script(STACK, program))
    done = subprocess.run(["sh", str(path)], capture_output=True, text=True, check=True)
    assert done.stdout == "".join(f"{value}\n" for value in awkward.values())
    assert (tmp_path / "kafka.pid").read_text().strip().isdigit()


def test_what_a_script_does_not_show_is_in_its_revision() -> None:
    one, other = Program("post", ("python",), revision="1"), Program("post", ("python",), revision="2")
    assert script(STACK, one) != script(STACK, other)
