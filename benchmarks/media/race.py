"""Contestants take turns, photo by photo."""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypedDict

__all__ = ["Field", "Times", "install_sharp", "race"]

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
    """Of a contestant: seconds of processor time, None if it cannot read the photo; and of each stage, if it tells."""

    cpu: float | None
    stages: Mapping[str, float]


def race(field_: Field, photos: Mapping[str, Path], *, rounds: int, core: int) -> Times:
    """Runs every contestant on every photo `rounds` times, after one round that does not count."""
    times = Times()
    with ExitStack() as stack:
        commands = {
            name: [sys.executable, "-m", "benchmarks.media.serve", name] for name in ("photomesh", "pillow", "libvips")
        }
        if field_.sharp:
            commands |= {name: ["node", str(_HERE / "sharp.mjs"), how] for name, how in SHARP.items()}
        runners = {name: stack.enter_context(_running(command, core)) for name, command in commands.items()}
        for number in range(rounds + 1):
            for photo, path in photos.items():
                for name, process in runners.items():
                    answer = _ask(process, path)
                    if number and (seconds := answer["cpu"]) is not None:
                        times.seconds[name][photo].append(seconds)
                        _add_stages(times, photo, answer["stages"])
            print(f"… round {number} of {rounds}", flush=True)
    return times


def _add_stages(times: Times, photo: str, stages: Mapping[str, float]) -> None:
    if photo.endswith((".jpg", ".jpeg")):
        for stage, seconds in stages.items():
            times.stages[stage].append(seconds / sum(stages.values()))


@contextmanager
def _running(command: Sequence[str], core: int) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        os.sched_setaffinity(process.pid, {core})
        try:
            yield process
        finally:
            assert process.stdin is not None
            process.stdin.close()


def _ask(process: subprocess.Popen[str], path: Path) -> Answer:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(f"{path}\n")
    process.stdin.flush()
    line = process.stdout.readline()
    if not line:
        raise RuntimeError(f"{process.args!r} ended on {path.name}")
    answer: Answer = json.loads(line)
    return answer
