"""Process ids in files: only a process that is older than the file is the one that wrote it."""

import os
import subprocess
from pathlib import Path

import pytest

from photomesh_local.configuration.stack import Stack
from photomesh_local.processes import orphans


def test_a_live_process_is_known_by_its_pid_file(tmp_path: Path) -> None:
    file = tmp_path / "redis.pid"
    file.write_text(f"{os.getpid()}\n")
    assert orphans.pid_of(file) == os.getpid()


def test_a_number_that_was_given_to_another_process_since_is_not_ours(tmp_path: Path) -> None:
    file = tmp_path / "redis.pid"
    with subprocess.Popen(["sleep", "60"]) as stranger:
        file.write_text(f"{stranger.pid}\n")
        os.utime(file, (1_000_000_000, 1_000_000_000))  # written long before that process began
        assert orphans.pid_of(file) is None
        stranger.kill()


@pytest.mark.parametrize("text", ["", "garbage", "999999999"])
def test_a_file_without_a_process_is_no_process(tmp_path: Path, text: str) -> None:
    file = tmp_path / "redis.pid"
    file.write_text(text)
    assert not orphans.alive(file)
    assert not orphans.alive(tmp_path / "absent.pid")


def test_lost_programs_are_ended_the_stubborn_one_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Stack, "run", tmp_path)
    script = 'echo $$ > "$0"; exec "$@"'
    polite = ["sh", "-c", script, str(tmp_path / "redis.pid"), "sleep", "60"]
    # Says that it is deaf only once it is.
    deaf = ["sh", "-c", 'trap "" TERM; echo $$ > "$0"; while :; do sleep 60 & wait; done', str(tmp_path / "kafka.pid")]
    lost = [subprocess.Popen(command, start_new_session=True) for command in (polite, deaf)]
    while not all(orphans.alive(tmp_path / f"{name}.pid") for name in ("redis", "kafka")):  # there, and written
        os.sched_yield()
    assert orphans.stop_all(Stack("test"), patience=0.5) == ["kafka", "redis"]
    assert [process.wait(timeout=5) for process in lost] == [-15, -9]
    assert not list(tmp_path.glob("*.pid"))
