"""The results, as tables for people and as JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass

from benchmarks.load import Load
from benchmarks.report import machine, ms, quantile
from benchmarks.report import write as write_files
from benchmarks.search.stage import FOLLOWS

__all__ = ["Quality", "Results", "write"]

_AIM_RANK, _AIM_P50, _AIM_P99, _AIM_RATE, _AIM_FRESH = 0.9, 0.030, 0.150, 3_000, 2.0
_SHOWN_US = 20


@dataclass(frozen=True)
class Quality:
    """`ranks`: mean reciprocal rank among the first ten, by kind. Of a search, in seconds: processor time of the server
    and of its client, and how long it took."""

    ranks: Mapping[str, float]
    server_cpu: float
    client_cpu: float
    seconds: float


@dataclass(frozen=True)
class Results:
    load_before: float
    cities: int
    at_least: int
    items: int
    known: Mapping[str, Quality]
    rate: float
    suggestions: Load
    suggestion_cpu: Mapping[str, float]
    accounts_per_second: float
    posts: int
    posts_per_second: float
    indexing_cpu: Mapping[str, float]
    fresh: Sequence[float]


def write(results: Results, command: str) -> str:
    """Writes `benchmarks/results/search.md` and `.json`; gives the text of the first."""
    first, load = next(iter(results.known.values())), results.suggestions
    kinds = list(first.ranks)
    fresh = [quantile(results.fresh, share) for share in (0.5, 0.99)]
    lines = [
        "# Search",
        "",
        f"`{command}` on {machine()}, load average {results.load_before:.1f} before. {results.cities:,} cities of"
        f" GeoNames with {results.at_least:,} inhabitants or more are accounts with as many followers. Clients, servers"
        " and services share the machine.",
        "",
        f"## Known items: MRR@10, {results.items:,} of each kind",
        "",
        "Of all cities that would be typed alike the one with the most inhabitants is meant, and items are drawn by the"
        " logarithm of these; they are typed without accents and capitals. `LIKE`: names that begin so, by inhabitants,"
        " with an index. Trigrams: `pg_trgm`'s `<%`, by likeness, then inhabitants.",
        "",
        f"| | {' | '.join(results.known)} |",
        f"| --- |{' ---: |' * len(results.known)}",
        *(f"| {kind} | {' | '.join(f'{one.ranks[kind]:.3f}' for one in results.known.values())} |" for kind in kinds),
        f"| CPU of the server, µs | {_row(results.known, lambda one: one.server_cpu)} |",
        f"| CPU of its client, µs | {_row(results.known, lambda one: one.client_cpu)} |",
        f"| a search, µs | {_row(results.known, lambda one: one.seconds)} |",
        "",
        f"Aim: {_AIM_RANK} for the {kinds[0]}: {_met(first.ranks[kinds[0]] >= _AIM_RANK)}.",
        "",
        f"## Suggestions through the gateway, {results.rate:g} a second",
        "",
        f"People who follow {FOLLOWS} accounts each type up to six letters of a city, as likely as it has inhabitants;"
        f" each request is timed from when it was due. {load.requests:,} requests:"
        f" P50 {ms(load.p50)}, P95 {ms(load.p95)}, P99 {ms(load.p99)}, slowest {ms(load.slowest)}.",
        f"Aim: P50 {ms(_AIM_P50)}, P99 {ms(_AIM_P99)}: {_met(load.p50 <= _AIM_P50 and load.p99 <= _AIM_P99)}.",
        "",
        "CPU of a suggestion, by program, in µs: "
        + ", ".join(
            f"{program} {seconds * 1e6:,.0f}"
            for program, seconds in results.suggestion_cpu.items()
            if seconds * 1e6 >= _SHOWN_US
        )
        + ".",
        "",
        "## Indexing",
        "",
        f"Posts: {results.posts_per_second:,.0f} documents a second (of {results.posts:,}; aim {_AIM_RATE:,}:"
        f" {_met(results.posts_per_second >= _AIM_RATE)}). Accounts, whose two parts a script puts together:"
        f" {results.accounts_per_second:,.0f} a second. All of it took {results.indexing_cpu['opensearch']:.0f} s of"
        f" OpenSearch's processor time, and {results.indexing_cpu['clients']:.0f} s of the consumer's part, which is in"
        " this process.",
        "",
        f"From the answer to a new post until it is found: median {ms(fresh[0])}, P99 {ms(fresh[1])} of"
        f" {len(results.fresh)} (aim {ms(_AIM_FRESH)}: {_met(fresh[1] <= _AIM_FRESH)}).",
    ]
    summary = {
        "command": command,
        "machine": machine(),
        **{name: value for name, value in asdict(results).items() if name != "fresh"},
        "fresh": {"p50": fresh[0], "p99": fresh[1], "posts": len(results.fresh)},
    }
    return write_files("search", lines, summary)


def _met(met: bool) -> str:
    return "met" if met else "missed"


def _row(known: Mapping[str, Quality], value: Callable[[Quality], float]) -> str:
    return " | ".join(f"{value(one) * 1e6:,.0f}" for one in known.values())
