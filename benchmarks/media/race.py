"""Contestants take turns, photo by photo."""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self, TypedDict

__all__ = ["Field", "Times", "commands", "install_sharp", "race"]

_HERE = Path(__file__).parent
SHARP = {"sharp": "clones", "sharp, chained": "chain"}


@dataclass(frozen=True)
class Field:
    """Who takes part. `sharp` is its version, or None and why."""

    sharp: str | None
    why_not: str = ""


@dataclass
class Times:
    """Seconds of processor time: contestant → photo → one per round; and the shares of our stages."""

    seconds: defaultdict[str, defaultdict[str, list[float]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(list))
    )
    stages: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def median(self, contestant: str, photo: str) -> float | None:
        """None if the contestant cannot read it."""
        seconds = self.seconds[contestant].get(photo)
        return statistics.median(seconds) if seconds else None


def install_sharp() -> Field:
    """Installs the pinned version beside this file, if Node and npm are there."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        return Field(None, "Node and npm are not installed")
    if not (_HERE / "node_modules" / "sharp").exists():
        done = subprocess.run(
            [npm, "ci", "--no-audit", "--no-fund", "--loglevel=error"],
            cwd=_HERE,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            return Field(None, f"npm ci failed: {(done.stderr.strip().splitlines() or ['no message'])[-1]}")
    version = subprocess.run([node, "sharp.mjs", "version"], cwd=_HERE, capture_output=True, text=True, check=False)
    if version.returncode:
        return Field(None, f"it does not run here: {(version.stderr.strip().splitlines() or ['no message'])[-1]}")
    return Field(version.stdout.strip())


class Answer(TypedDict):
    """Of a contestant: seconds of processor time, None if it cannot read the photo; and of each stage, if it reports
    them."""

    cpu: float | None
    stages: Mapping[str, float]


_CANNOT: Answer = {"cpu": None, "stages": {}}


def commands(field_: Field) -> dict[str, list[str]]:
    """The processes that take part, by the contestant's name."""
    found = {
        name: [sys.executable, "-m", "benchmarks.media.serve", name] for name in ("photomesh", "pillow", "libvips")
    }
    if field_.sharp:
        found |= {name: ["node", str(_HERE / "sharp.mjs"), how] for name, how in SHARP.items()}
    return found


def race(contestants: Mapping[str, Sequence[str]], photos: Mapping[str, Path], *, rounds: int, core: int) -> Times:
    """Runs every contestant on every photo `rounds` times, after one round that does not count."""
    times = Times()
    with ExitStack() as stack:
        runners = {name: stack.enter_context(_Contestant(command, core)) for name, command in contestants.items()}
        for number in range(rounds + 1):
            for photo, path in photos.items():
                for name, contestant in runners.items():
                    answer = contestant.make(path)
                    if number and (seconds := answer["cpu"]) is not None:
                        times.seconds[name][photo].append(seconds)
                        _add_stages(times, photo, answer["stages"])
            print(f"… round {number} of {rounds}", flush=True)
    return times


def _add_stages(times: Times, photo: str, stages: Mapping[str, float]) -> None:
    if photo.endswith((".jpg", ".jpeg")):
        for stage, seconds in stages.items():
            times.stages[stage].append(seconds / sum(stages.values()))


class _Contestant:
    """A process that makes the sizes of one photo after another. A photo on which it ends is one that it cannot read;
    it is started again for the next."""

    def __init__(self, command: Sequence[str], core: int) -> None:
        self._command = command
        self._core = core
        self._process: subprocess.Popen[str] | None = None
        self._fatal: set[Path] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def make(self, path: Path) -> Answer:
        if path in self._fatal:
            return _CANNOT
        process = self._process or self._start()
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(f"{path}\n")
            process.stdin.flush()
            line = process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            print(f"… {' '.join(self._command[-2:])} ended on {path.name}", flush=True)
            self._fatal.add(path)
            self._end()
            return _CANNOT
        answer: Answer = json.loads(line)
        return answer

    def _start(self) -> subprocess.Popen[str]:
        process = subprocess.Popen(self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        os.sched_setaffinity(process.pid, {self._core})
        self._process = process
        return process

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        with suppress(BrokenPipeError):
            process.communicate()
