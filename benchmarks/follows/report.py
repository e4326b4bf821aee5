"""The results, as tables of ratios for people and as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from benchmarks.follows.sight import Seen
from benchmarks.load import Load
from benchmarks.report import machine, ms, quantile
from benchmarks.report import write as write_files

__all__ = ["Results", "write"]


@dataclass(frozen=True)
class Results:
    """`calls` by design and kind of call; `seen` by design and how many the readers follow; `cpu` of ours by program,
    in seconds, for all calls."""

    connections: int
    load_before: float
    calls: Mapping[str, Mapping[str, Load]]
    seen: Mapping[tuple[str, int], Seen]
    cpu: Mapping[str, float]


def _call_rows(results: Results) -> list[str]:
    rows = []
    for what, base in results.calls["naive"].items():
        for design in ("photomesh", "naive"):
            load = results.calls[design][what]
            rows.append(
                f"| {what}, {design} | {load.rate:,.0f} | {load.rate / base.rate:.2f} | {ms(load.p50)} | "
                f"{ms(load.p95)} | {ms(load.p99)} |"
            )
    return rows


def _seen_rows(results: Results) -> list[str]:
    rows = []
    for (design, follow), seen in results.seen.items():
        for what, seconds in (("follow", seen.follow), ("unfollow", seen.unfollow)):
            rows.append(
                f"| {what}, {design} | {follow} | {len(seconds)} | {ms(quantile(seconds, 0.5))} | "
                f"{ms(quantile(seconds, 0.99))} |"
            )
    return sorted(rows)


def write(results: Results, command: str) -> str:
    """Writes `benchmarks/results/follows.md` and `.json`; gives the text of the first."""
    ours = results.calls["photomesh"]["follow"]
    done = sum(load.requests for load in results.calls["photomesh"].values())
    lines = [
        "# Following and unfollowing",
        "",
        f"`{command}` on {machine()}. {ours.requests:,} people follow one account each, {results.connections} at once, "
        "and unfollow it again; whom, by a power law. Ours through the gateway; clients, servers and services share "
        f"the machine; the client takes {ours.cpu / ours.seconds:.0%} of a core. Before it began the machine's load "
        f"average was {results.load_before:.1f}.",
        "",
        "| calls | calls/s | ÷ naive | P50 | P95 | P99 |",
        "| --- | --- | --- | --- | --- | --- |",
        *_call_rows(results),
        "",
        "From the answer until the reader's feed shows it, one reader after the other, polled without a pause (so it "
        "includes one read). The naive feed is made from the rows at each read, so it shows everything at once.",
        "",
        "| what, design | follows already | n | P50 | P99 |",
        "| --- | --- | --- | --- | --- |",
        *_seen_rows(results),
        "",
        "| program | CPU µs/call |",
        "| --- | --- |",
        *(f"| {name} | {s / done * 1e6:,.0f} |" for name, s in results.cpu.items() if s / done >= 10e-6),
    ]
    seen = [{"design": design, "follows": follow, **asdict(seen)} for (design, follow), seen in results.seen.items()]
    summary = asdict(results) | {"seen": seen, "command": command, "machine": machine()}
    return write_files("follows", lines, summary)
