"""All benchmarks, one after the other, and what they reached against their goals.

make bench                            # all, within an hour
make bench ARGS="--only likes,feed"
make bench ARGS="--summary"           # measures nothing: the figures that results/ has
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.goals import GOALS, Goal
from benchmarks.report import machine, write

_RESULTS = Path(__file__).parent / "results"
_QUICK = {"feed", "follows", "writes", "fanout"}
"""Complete, these take too long for an hour of all."""
_SECONDS = 900
"""Of one benchmark; what takes longer has failed."""


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="benchmarks", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--only", default="", help="names, with commas between; all by default")
    parser.add_argument("--complete", action="store_true", help="the long ones complete as well: some three hours")
    parser.add_argument("--summary", action="store_true", help="only the table, from the figures that are there")
    return parser.parse_args()


def _run(name: str, *, quick: bool) -> bool:
    command = [sys.executable, "-m", f"benchmarks.{name}", *(["--quick"] if quick else [])]
    print(f"==> {' '.join(command[1:])}", flush=True)
    began = time.monotonic()
    try:
        code = subprocess.run(command, timeout=None if not quick and name in _QUICK else _SECONDS).returncode
    except subprocess.TimeoutExpired:
        code = -1
    print(f"==> {name}: {'done' if code == 0 else 'failed'} after {time.monotonic() - began:.0f} s", flush=True)
    return code == 0


def _figure(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _row(goal: Goal, failed: Sequence[str]) -> str:
    path = _RESULTS / f"{goal.benchmark}.json"
    sign = "≥" if goal.at_least else "≤"
    aim = f"{sign} {_figure(goal.bound)} {goal.unit}".strip()
    where = f"[{goal.benchmark}]({goal.benchmark}.md)"
    measured = goal.benchmark not in failed and path.exists()
    reached = goal.value(json.loads(path.read_text())) if measured else None
    if reached is None:
        return f"| {goal.name} | {aim} | – | not measured | {where} |"
    share = goal.share(reached)
    met = "met" if share >= 1 else f"{share:.2f} of it"
    return f"| {goal.name} | {aim} | {_figure(reached)} {goal.unit} | {met} | {where} |"


def main() -> int:
    arguments = _arguments()
    names = list(dict.fromkeys(goal.benchmark for goal in GOALS))
    chosen = arguments.only.split(",") if arguments.only else names
    load_before = os.getloadavg()[0]
    failed = (
        []
        if arguments.summary
        else [name for name in chosen if not _run(name, quick=name in _QUICK and not arguments.complete)]
    )
    rows = [_row(goal, failed) for goal in GOALS]
    lines = [
        "# Goals, and what was reached",
        "",
        f"`make bench` on {machine()}, load {load_before:.1f} before. Each line is from the table that it leads to,"
        " which says how it was measured and where the time goes.",
        "",
        "| what | goal | reached | | table |",
        "| --- | --- | --- | --- | --- |",
        *rows,
    ]
    print(write("goals", lines, {"failed": failed}))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
