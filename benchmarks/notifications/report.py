"""The results, as a table for people and as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks.load import Load
from benchmarks.notifications.burst import PROGRAMS, Burst
from benchmarks.notifications.live import Live
from benchmarks.notifications.others import OTHERS
from benchmarks.report import machine, ms, quantile, write

__all__ = ["Results", "report"]

_SHOWN_US = 50
_ALONE = f"without {', '.join(OTHERS)}"
_AIM_WRITES, _AIM_PUSHES, _AIM_CPU_US = 70, 2, 60


@dataclass(frozen=True)
class Results:
    load_before: float
    burst: Burst
    alone: Live
    whole: Live
    lists: Load
    lists_cpu: Mapping[str, float]
    readers: int


def _each(cpu: Mapping[str, float], count: int) -> dict[str, int]:
    """By program, in µs."""
    each = {program: round(seconds / max(count, 1) * 1e6) for program, seconds in cpu.items()}
    return {program: used for program, used in each.items() if used >= _SHOWN_US}


def _listed(each: Mapping[str, int]) -> str:
    shown = ", ".join(f"{program} {used:,}" for program, used in each.items())
    return f"{sum(each.values()):,}: {shown}"


def _summary(live: Live) -> dict[str, object]:
    return {
        "streams": live.streams,
        "rate": live.rate,
        "p50": round(quantile(live.latencies, 0.5), 3),
        "p99": round(quantile(live.latencies, 0.99), 3),
        "missing": live.missing,
        "cpu_us": _each(live.cpu, live.likes),
    }


def report(results: Results, command: str) -> str:
    burst, alone, whole, lists = results.burst, results.alone, results.whole, results.lists
    each = {program: burst.cpu[program] / burst.likes * 1e6 for program in PROGRAMS}
    idle = sum(burst.idle_cpu.values()) * burst.seconds / burst.likes * 1e6
    ours, naive = sum(each.values()), burst.naive_cpu / burst.naive_likes * 1e6
    summary = {
        "load_before": round(results.load_before, 1),
        "likes": burst.likes,
        "seconds": round(burst.seconds, 1),
        "group_writes": burst.writes,
        "pushes": burst.pushes,
        "cpu_us_per_like": {program: round(value, 1) for program, value in each.items()},
        "idle_cpu_us_per_like": round(idle, 1),
        "naive_cpu_us_per_like": round(naive, 1),
        "stranger_seconds": round(burst.stranger, 2),
        "like_to_stream": _summary(alone),
        "like_to_stream_whole_mesh": _summary(whole),
        "lists": {
            "p50": round(lists.p50, 4),
            "p99": round(lists.p99, 4),
            "statuses": dict(lists.statuses),
            "cpu_us": _each(results.lists_cpu, lists.requests),
        },
    }
    lines = [
        "# Notifications",
        "",
        f"`{command}` on {machine()}, load {results.load_before:.1f} before.",
        "",
        f"**{burst.likes:,} likes of one post**, right after {burst.seconds:.1f} s:",
        "",
        "| | writes of groups | writes of rows a like | pushes | CPU µs a like |",
        "| --- | --- | --- | --- | --- |",
        f"| ours | {burst.writes:,.0f} (aim: {_AIM_WRITES} in a minute) | {burst.writes / burst.likes:.4f} |"
        f" {burst.pushes} (aim: {_AIM_PUSHES}) | {ours:,.0f} (aim: {_AIM_CPU_US}): "
        + ", ".join(f"{name} {value:,.0f}" for name, value in each.items())
        + f"; {idle:,.0f} of them would be used without any like |",
        f"| naive: a row and the group with each like | {burst.likes:,} | 2 | | {naive:,.0f}, reading the topic not"
        " included |",
        "",
        f"A comment on somebody else's post, in the middle of it, was in its author's notifications after"
        f" {burst.stranger:.1f} s (aim: 2).",
        "",
        "| | median | P99 | aim for P99 |",
        "| --- | --- | --- | --- |",
        *(
            f"| a like until the event on its author's stream, {live.rate}/s, {live.streams:,} streams through the"
            f" gateway; {what}"
            f" | {ms(quantile(live.latencies, 0.5))} | {ms(quantile(live.latencies, 0.99))} | 1,500 ms |"
            for what, live in ((_ALONE, alone), ("the whole mesh on this machine", whole))
        ),
        f"| reading the list, 200/s, {results.readers:,} readers in turn, through the gateway; {_ALONE} |"
        f" {ms(lists.p50)} | {ms(lists.p99)} | 50 ms |",
        "",
        f"Events that never came: {alone.missing + whole.missing}.",
        "",
        "Processor time by program, in µs, what is used at rest included:",
        "",
        f"- a like, {_ALONE}: {_listed(_each(alone.cpu, alone.likes))}",
        f"- a like, the whole mesh: {_listed(_each(whole.cpu, whole.likes))}",
        f"- a list: {_listed(_each(results.lists_cpu, lists.requests))}",
    ]
    return write("notifications", lines, summary)
