"""Progress for people: a live table on a terminal, one line per change elsewhere."""

import sys
from collections.abc import Collection, Sequence
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from photomesh_local.lifecycle.steps import Progress, Step

_LOOK = {
    "waiting": ("·", "dim"),
    "working": ("…", "yellow"),
    "done": ("✓", "green"),
    "failed": ("✗", "bold red"),
    "skipped": ("–", "dim"),
}


class Lines:
    """For logs and CI: says when a step begins and ends, and nothing in between."""

    def __init__(self, steps: Collection[Step], title: str) -> None:
        self._width = max((len(step.name) for step in steps), default=0)
        self._last: dict[str, str] = {}
        self._title = title

    def __enter__(self) -> Self:
        print(self._title, flush=True)
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def changed(self, progress: Progress) -> None:
        if self._last.get(progress.name) == progress.status:
            return
        self._last[progress.name] = progress.status
        mark = _LOOK[progress.status][0]
        took = f"{progress.seconds:5.1f} s" if progress.status in ("done", "failed") else " " * 7
        print(f"  {mark} {progress.name:<{self._width}} {took}  {progress.detail}".rstrip(), flush=True)


class LiveTable:
    """For terminals: every step has its line, which changes in place."""

    def __init__(self, steps: Collection[Step], title: str) -> None:
        self._board = {step.name: Progress(step.name, step.group) for step in steps}
        self._title = title
        self._live = Live(get_renderable=self._table, refresh_per_second=8, console=Console(stderr=False))

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def changed(self, progress: Progress) -> None:
        self._board[progress.name] = progress

    def _table(self) -> Table:
        table = Table(title=self._title, title_justify="left", box=None, show_header=False, padding=(0, 1))
        for progress in self._board.values():
            mark, style = _LOOK[progress.status]
            shown = progress.status in ("done", "failed")
            table.add_row(
                Text(mark, style),
                Text(progress.name, style if progress.status != "done" else ""),
                Text(f"{progress.seconds:.1f} s" if shown else "", "dim"),
                Text(progress.detail, "red" if progress.status == "failed" else "dim"),
            )
        return table


class Silent:
    """For tests: nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def changed(self, progress: Progress) -> None:
        pass


def for_terminal(steps: Collection[Step], title: str) -> Lines | LiveTable:
    return LiveTable(steps, title) if sys.stdout.isatty() else Lines(steps, title)


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A plain table that is readable in a log too."""
    table = Table(*columns, box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for row in rows:
        table.add_row(*map(Text, row))
    Console(width=None if sys.stdout.isatty() else 160, highlight=False).print(table)
