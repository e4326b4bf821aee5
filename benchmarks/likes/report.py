"""The results, as a table of ratios for people and as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from benchmarks.load import Load
from benchmarks.report import machine, ms
from benchmarks.report import write as write_files

__all__ = ["Burst", "Results", "write"]

_AIM_RATE, _AIM_P99 = 1_500, 0.100


@dataclass(frozen=True)
class Burst:
    """`exact` is how long after the last answer the count was; `cpu` what the whole burst took; in seconds."""

    load: Load
    exact: float
    cpu: float


@dataclass(frozen=True)
class Results:
    connections: int
    load_before: float
    ours: Burst
    naive: Burst
    cpu_by_program: Mapping[str, float]


def _row(name: str, burst: Burst, base: Burst) -> str:
    load = burst.load
    return (
        f"| {name} | {load.rate:,.0f} | {load.rate / base.load.rate:.2f} | {ms(load.p50)} | {ms(load.p95)} | "
        f"{ms(load.p99)} | {ms(burst.exact)} | {burst.cpu / load.requests * 1e6:,.0f} |"
    )


def write(results: Results, command: str) -> str:
    """Writes `benchmarks/results/likes.md` and `.json`; gives the text of the first."""
    ours, count = results.ours.load, results.ours.load.requests
    total = sum(results.cpu_by_program.values())
    lines = [
        "# Likes",
        "",
        f"`{command}` on {machine()}. {count:,} people like one post, {results.connections} at once: through the "
        "gateway to post, and straight to the naive server, one after the other. Clients, servers and services share "
        f"the machine; the client takes {ours.cpu / ours.seconds:.0%} of a core. Before it began the machine's load "
        f"average was {results.load_before:.1f}.",
        "",
        f"Aim: {_AIM_RATE:,} calls a second, P99 of {_AIM_P99 * 1000:.0f} ms. Reached: **{ours.rate:,.0f}** "
        f"({ours.rate / _AIM_RATE:.2f} of it), P99 **{ms(ours.p99)}** ({ours.p99 / _AIM_P99:.2f} of it).",
        "",
        "| design | calls/s | ÷ naive | P50 | P95 | P99 | last answer → count exact | CPU µs/like |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
        _row("photomesh", results.ours, results.naive),
        _row("naive", results.naive, results.naive),
        "",
        "Ours answers when the like is in Kafka and its author sees it; what it takes until all are counted is in its "
        "processor time. The naive server counts in each like's transaction, on a PostgreSQL that does not wait for "
        "the disk (as Kafka does not). Neither checks that the person exists.",
        "",
        "| program | share of ours | µs/like |",
        "| --- | --- | --- |",
        *(
            f"| {program} | {seconds / total:.0%} | {seconds / count * 1e6:,.0f} |"
            for program, seconds in results.cpu_by_program.items()
            if seconds / total >= 0.01
        ),
    ]
    return write_files("likes", lines, {"command": command, "machine": machine(), **asdict(results)})
