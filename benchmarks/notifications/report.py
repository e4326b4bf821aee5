"""The results, as a table for people and as JSON."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.load import Load
from benchmarks.notifications.burst import PROGRAMS, Burst
from benchmarks.notifications.live import Live
from benchmarks.report import machine, ms, quantile, write

__all__ = ["Results", "report"]

_AIM_WRITES, _AIM_PUSHES, _AIM_CPU_US = 70, 2, 60


@dataclass(frozen=True)
class Results:
    load_before: float
    burst: Burst
    live: Live
    lists: Load
    readers: int


def report(results: Results, command: str) -> str:
    burst, live, lists = results.burst, results.live, results.lists
    each = {program: burst.cpu[program] / burst.likes * 1e6 for program in PROGRAMS}
    idle = sum(burst.idle_cpu.values()) * burst.seconds / burst.likes * 1e6
    ours, naive = sum(each.values()), burst.naive_cpu / burst.naive_likes * 1e6
    p50, p99 = (quantile(live.latencies, share) for share in (0.5, 0.99))
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
        "like_to_stream": {"streams": live.streams, "rate": live.rate, "p50": round(p50, 3), "p99": round(p99, 3)},
        "missing_events": live.missing,
        "lists": {"p50": round(lists.p50, 4), "p99": round(lists.p99, 4), "statuses": dict(lists.statuses)},
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
        f"| a like until the event on its author's stream, {live.rate}/s, {live.streams:,} streams through the gateway"
        f" | {ms(p50)} | {ms(p99)} | 1,500 ms |",
        f"| reading the list, 200/s, {results.readers:,} readers in turn, through the gateway |"
        f" {ms(lists.p50)} | {ms(lists.p99)} | 50 ms |",
        "",
        f"Events that never came: {live.missing}.",
    ]
    return write("notifications", lines, summary)
