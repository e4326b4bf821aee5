"""The results, as tables of ratios for people and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import median

from benchmarks.feed.contestants import CHRONOLOGICAL, NAIVE
from benchmarks.feed.measure import Plan, Sample, Scale
from benchmarks.report import machine, ms, quantile
from benchmarks.report import write as write_files

__all__ = ["Results", "write"]

_AIM_RATE, _AIM_P99, _AIM_COLD, _AIM_RATIO, _AIM_BYTES = 700, 0.050, 0.100, 10, 25


@dataclass(frozen=True)
class Results:
    graph: str
    people: int
    follows: int
    readers: int
    load_before: float
    plan: Plan
    scales: Sequence[Scale]


def _rate(samples: Sequence[Sample]) -> float:
    return median(sample.load.rate for sample in samples)


def _faster_naive(scale: Scale, follows: int) -> str:
    return max(NAIVE, key=lambda name: _rate(scale.closed[follows][name]))


def _ratio(scale: Scale, follows: int, name: str) -> float:
    """Of the rates, round by round: the two halves of a pair met the same weather."""
    closed = scale.closed[follows]
    pairs = zip(closed[name], closed[_faster_naive(scale, follows)], strict=True)
    return median(one.load.rate / other.load.rate for one, other in pairs)


def _throughput(scale: Scale, rate: float) -> list[str]:
    lines = [
        f"| {scale.posts:,} posts: following, design | reads/s | ÷ faster naive | P50 | P95 | P99 | "
        f"P50 at {rate:g}/s | P99 at {rate:g}/s | CPU µs/read |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for follows, closed in scale.closed.items():
        for name, samples in closed.items():
            p50, p95, p99 = (median(getattr(sample.load, q) for sample in samples) for q in ("p50", "p95", "p99"))
            paced = scale.paced.get(follows, {}).get(name)
            at_rate = f"{ms(paced.p50)} | {ms(paced.p99)}" if paced else "– | –"
            lines.append(
                f"| {follows:,}, {name} | {_rate(samples):,.0f} | {_ratio(scale, follows, name):.2f} | {ms(p50)} | "
                f"{ms(p95)} | {ms(p99)} | {at_rate} | {median(sample.cpu for sample in samples) * 1e6:,.0f} |"
            )
    return [*lines, ""]


def _cold(results: Results) -> list[str]:
    return [
        "| first read after the loss of feed's Redis: following | posts | n | P50 | slowest | slowest ÷ aim |",
        "| --- | --- | --- | --- | --- | --- |",
        *(
            f"| {follows:,} | {scale.posts:,} | {len(seconds)} | {ms(quantile(seconds, 0.5))} | {ms(max(seconds))} | "
            f"{max(seconds) / _AIM_COLD:.2f} |"
            for scale in results.scales
            for follows, seconds in scale.cold.items()
        ),
        "",
    ]


def _aims(results: Results) -> list[str]:
    first = results.scales[0]
    rates = [_rate(closed[CHRONOLOGICAL]) for scale in results.scales for closed in scale.closed.values()]
    paced = [load[CHRONOLOGICAL].p99 for scale in results.scales for load in scale.paced.values()]
    colds = [max(seconds) for scale in results.scales for seconds in scale.cold.values()]
    most = max(first.closed)
    lines = [
        "| aim | reached | ÷ aim |",
        "| --- | --- | --- |",
        f"| ≥ {_AIM_RATE} reads/s, readers in turn | {min(rates):,.0f} at least, {max(rates):,.0f} at most | "
        f"{min(rates) / _AIM_RATE:.2f} |",
        f"| P99 ≤ {ms(_AIM_P99)} at {results.plan.rate:g}/s | {ms(max(paced))} at most | {max(paced) / _AIM_P99:.2f} |"
        if paced
        else f"| P99 ≤ {ms(_AIM_P99)} at {results.plan.rate:g}/s | not so many | – |",
        f"| ≤ {ms(_AIM_COLD)} for a cold first read | {ms(max(colds))} at most | {max(colds) / _AIM_COLD:.2f} |",
    ]
    for scale in results.scales:
        ratio = _ratio(scale, most, CHRONOLOGICAL)
        lines.append(
            f"| {_AIM_RATIO} × naive following {most:,}, {scale.posts:,} posts | {ratio:.2f} × | "
            f"{ratio / _AIM_RATIO:.2f} |"
        )
    if len(results.scales) > 1:
        last = results.scales[-1]
        flat = min(
            _rate(last.closed[follows][CHRONOLOGICAL]) / _rate(first.closed[follows][CHRONOLOGICAL])
            for follows in first.closed
        )
        lines.append(f"| flat when posts grow {last.posts // first.posts}-fold | {flat:.2f} of the rate | {flat:.2f} |")
    return [*lines, ""]


def _warm_up(results: Results) -> list[str]:
    return [
        "| every reader once, 8 at a time | posts | reads/s | P50 | P99 |",
        "| --- | --- | --- | --- | --- |",
        *(
            f"| {name} | {scale.posts:,} | {load.rate:,.0f} | {ms(load.p50)} | {ms(load.p99)} |"
            for scale in results.scales
            for name, load in scale.warm_up.items()
        ),
        "",
        "The first row of each size begins with an empty Redis. A first page comes from authors' timelines, and the "
        f"list is filled behind it: all {results.readers * len(results.scales[0].closed):,} feeds were whole after "
        + " and ".join(f"{scale.whole_after:,.0f} s" for scale in results.scales)
        + ".",
        "",
    ]


def _programs(results: Results) -> list[str]:
    scale = results.scales[-1]
    programs = sorted(scale.reading, key=lambda program: -scale.reading[program])
    return [
        f"| program, at {scale.posts:,} posts | CPU µs for a read | CPU µs for a first read |",
        "| --- | --- | --- |",
        *(
            f"| {program} | {scale.reading[program] * 1e6:,.0f} | {scale.building[program] * 1e6:,.0f} |"
            for program in programs
            if scale.reading[program] + scale.building[program] >= 20e-6
        ),
        "",
    ]


def _memory(results: Results) -> list[str]:
    return [
        f"| Redis for a feed's entry (aim: {_AIM_BYTES} bytes): following | posts | bytes | ÷ aim |",
        "| --- | --- | --- | --- |",
        *(
            f"| {follows:,} | {scale.posts:,} | {size:.1f} | {size / _AIM_BYTES:.2f} |"
            for scale in results.scales
            for follows, size in scale.entry_bytes.items()
        ),
    ]


def write(results: Results, command: str) -> str:
    """Writes `benchmarks/results/feed.md` and `.json`; gives the text of the first."""
    plan = results.plan
    loads = [
        sample.load for scale in results.scales for closed in scale.closed.values() for sample in closed[CHRONOLOGICAL]
    ]
    share = max(load.cpu / load.seconds for load in loads)
    lines = [
        "# Reading feeds",
        "",
        f"`{command}` on {machine()}. {results.people:,} people, {results.follows:,} follows ({results.graph}); "
        f"{results.readers:,} readers of each kind in turn, {plan.connections} at once, a page of 20 posts. Medians of "
        f"{plan.rounds} rounds of {plan.seconds:g} s, all designs in turn. Ours through the gateway with everything on "
        f"the machine; the naive server straight. The client takes {share:.0%} of a core at most. At "
        f"{plan.rate:g} reads a second, reads start at fixed times and are timed from when they were due. Before it "
        f"began the machine's load average was {results.load_before:.1f}.",
        "",
        *_aims(results),
        *(line for scale in results.scales for line in _throughput(scale, plan.rate)),
        *_cold(results),
        *_warm_up(results),
        *_programs(results),
        *_memory(results),
    ]
    return write_files("feed", lines, {"command": command, "machine": machine(), **asdict(results)})
