"""The results, as a table of processor time for people and as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from benchmarks.load import Load
from benchmarks.report import machine, ms
from benchmarks.report import write as write_files

__all__ = ["Measured", "Results", "write"]

_SHOWN_US = 20  # per write, in any column


@dataclass(frozen=True)
class Measured:
    """`cpu` by program, in seconds, for the whole load, without what the programs use at rest."""

    load: Load
    cpu: Mapping[str, float]

    @property
    def per_write(self) -> float:
        return sum(self.cpu.values()) / self.load.requests


@dataclass(frozen=True)
class Results:
    """`rest` is by program, in seconds of processor time per second; `naive_cpu` per like, in seconds."""

    connections: int
    load_before: float
    rest: Mapping[str, float]
    naive_rate: float
    naive_cpu: float
    measured: Mapping[str, Measured]


def write(results: Results, command: str) -> str:
    """Writes `benchmarks/results/writes.md` and `.json`; gives the text of the first."""
    measured = results.measured
    count = max(one.load.requests for one in measured.values())
    lines = [
        "# What a write costs",
        "",
        f"`{command}` on {machine()}. {count:,} people do each thing once, {results.connections} at once, through the "
        "gateway; clients, servers and services share the machine. Before it began the machine's load average was "
        f"{results.load_before:.1f}. Processor time is that of all programs until consumers are done, without what "
        f"they use at rest ({sum(results.rest.values()):.1%} of a core). A like takes the naive server "
        f"{results.naive_cpu * 1e6:,.0f} µs in the same run ({results.naive_rate:,.0f}/s).",
        "",
        "| write | CPU µs | ÷ naive like | calls/s | P50 | P99 |",
        "| --- | --- | --- | --- | --- | --- |",
        *(
            f"| {name} | {one.per_write * 1e6:,.0f} | {one.per_write / results.naive_cpu:.1f} | "
            f"{one.load.rate:,.0f} | {ms(one.load.p50)} | {ms(one.load.p99)} |"
            for name, one in measured.items()
        ),
        "",
        "CPU µs per write, by program; at rest, in µs per second:",
        "",
        f"| program | {' | '.join(measured)} | at rest |",
        f"| --- |{' --- |' * (len(measured) + 1)}",
        *_program_rows(results),
    ]
    return write_files("writes", lines, {"command": command, "machine": machine(), **asdict(results)})


def _program_rows(results: Results) -> list[str]:
    rows: dict[str, list[float]] = {}
    for program in results.rest:
        rows[program] = [one.cpu.get(program, 0.0) / one.load.requests * 1e6 for one in results.measured.values()]
    shown = {program: figures for program, figures in rows.items() if max(figures) >= _SHOWN_US}
    return [
        f"| {program} | {' | '.join(f'{figure:,.0f}' for figure in figures)} | {results.rest[program] * 1e6:,.0f} |"
        for program, figures in sorted(shown.items(), key=lambda row: -max(row[1]))
    ]
