"""What is kept of a run: everything that was printed and, after a violation, its schedule and the programs' logs."""

from __future__ import annotations

import time
from collections.abc import Sequence

from photomesh_local import Stack
from photomesh_local.configuration.stack import ROOT
from tests.faults.schedule import Fault

__all__ = ["Evidence"]

_END = 4_000_000
"""Bytes kept of each log."""
_KEPT = 3
"""Violations of a run whose logs are kept."""


class Evidence:
    def __init__(self, name: str) -> None:
        self.folder = ROOT / ".photomesh" / "faults" / name
        self.folder.mkdir(parents=True, exist_ok=True)
        self._printed = (self.folder / "printed.log").open("w")
        self._began = time.monotonic()
        self._kept = 0

    def say(self, text: str) -> None:
        line = f"{time.strftime('%H:%M:%S', time.gmtime())} {time.monotonic() - self._began:5.0f}s  {text}"
        print(line, flush=True)
        print(line, file=self._printed, flush=True)

    def keep(self, number: int, again: str, faults: Sequence[Fault], violations: Sequence[str]) -> None:
        """Keep what tells how a round went wrong."""
        if self._kept == _KEPT:
            return
        self._kept += 1
        folder = self.folder / f"round-{number}"
        folder.mkdir(exist_ok=True)
        text = "\n".join([again, "", *map(str, faults), "", *violations, ""])
        (folder / "schedule.txt").write_text(text)
        for log in Stack("test").logs.glob("*.log"):
            with log.open("rb") as file:
                file.seek(max(0, log.stat().st_size - _END))
                (folder / log.name).write_bytes(file.read())
        self.say(f"  schedule and logs are in {folder}")
