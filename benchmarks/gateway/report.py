"""The results, as tables of ratios for people and as JSON."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from benchmarks.gateway.load import Load, generator
from benchmarks.gateway.without import PARTS

__all__ = ["Case", "Sample", "Samples", "write"]

_FOLDER = Path(__file__).resolve().parents[1] / "results"
_AIM = 0.70


@dataclass(frozen=True)
class Case:
    """One kind of load."""

    name: str
    path: str
    body: str | None
    connections: int


@dataclass(frozen=True)
class Sample:
    """One run of one target; `cpu` is what its process used for a request, in seconds."""

    load: Load
    cpu: float


Samples = dict[Case, dict[str, list[Sample]]]


def _ratio(samples: Sequence[Sample], base: Sequence[Sample]) -> float:
    """Of the rates, round by round: the two halves of a pair met the same weather."""
    return median(one.load.rate / other.load.rate for one, other in zip(samples, base, strict=True))


def _cpu(samples: Sequence[Sample]) -> float:
    return median(sample.cpu for sample in samples)


def _row(name: str, targets: Mapping[str, Sequence[Sample]]) -> str:
    samples = targets[name]
    rate = median(sample.load.rate for sample in samples)
    p50, p95, p99 = (
        median(getattr(sample.load, quantile) for sample in samples) * 1e3 for quantile in ("p50", "p95", "p99")
    )
    return (
        f"| {name} | {rate:,.0f} | {_ratio(samples, targets['bare proxy']):.2f} | "
        f"{_ratio(samples, targets['straight']):.2f} | {p50:.2f} | {p95:.2f} | {p99:.2f} | {_cpu(samples) * 1e6:.0f} |"
    )


def _comparison(case: Case, targets: Mapping[str, Sequence[Sample]]) -> list[str]:
    return [
        f"| {case.name} | requests/s | ÷ bare proxy | ÷ straight | P50 ms | P95 ms | P99 ms | its CPU µs/request |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
        *(_row(name, targets) for name in targets if name in ("straight", "bare proxy", "gateway")),
        "",
    ]


def _difference(samples: Sequence[Sample], others: Sequence[Sample]) -> float:
    """How much more CPU one takes than the other, in µs a request, round by round."""
    return median(one.cpu - other.cpu for one, other in zip(samples, others, strict=True)) * 1e6


def _parts(targets: Mapping[str, Sequence[Sample]]) -> list[str]:
    """What the gateway's parts cost, each by leaving it out."""
    whole = targets["gateway"]
    costs = {what: _difference(whole, targets[f"without {part}"]) for part, what in PARTS.items()}
    more = _difference(whole, targets["bare proxy"])
    rest = "routes, headers, ids, places, watching clock and client"
    return [
        "| where the gateway's CPU goes | µs/request |",
        "| --- | --- |",
        f"| what the bare proxy does too: sockets, uvicorn, aiohttp | {_cpu(targets['bare proxy']) * 1e6:.0f} |",
        *(f"| {what} | {cost:.0f} |" for what, cost in costs.items()),
        f"| the rest: {rest} | {more - sum(costs.values()):.0f} |",
        f"| **in all** | **{_cpu(whole) * 1e6:.0f}** |",
        f"| more, when spans are written to a file | {_difference(targets['with spans'], whole):.0f} |",
        "",
        "Each part is measured by leaving it out (`benchmarks/gateway/without.py`). With one connection nothing "
        "overlaps, so there the call to Redis is one more round trip to wait for; with many, calls share writes and "
        "wake-ups.",
        "",
    ]


def write(samples: Samples, *, rounds: int, seconds: int, pinned: bool) -> None:
    """Writes results/gateway.md and gateway.json, and shows the former."""
    first = next(iter(samples.values()))
    reached = _ratio(first["gateway"], first["bare proxy"])
    by_cpu = median(b.cpu / g.cpu for g, b in zip(first["gateway"], first["bare proxy"], strict=True))
    lines = [
        "# The gateway",
        "",
        f"`make bench-gateway` on {os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}. "
        f"Medians of {rounds} rounds; in each round every target has {seconds} s of load, one after the other. "
        f"The service answers with 364 bytes of JSON. Load: {generator()}."
        + (" Proxies have a core; service, load and Redis have the others." if pinned else ""),
        "",
        f"Aim: {_AIM:.0%} of the bare proxy's requests a second. Reached: **{reached:.0%}**; "
        f"by the CPU that a request takes, which other work on the machine disturbs less: **{by_cpu:.0%}**.",
        "",
    ]
    for case, targets in samples.items():
        lines += _comparison(case, targets)
    lines += _parts(first)
    text = "\n".join(lines)
    _FOLDER.mkdir(exist_ok=True)
    (_FOLDER / "gateway.md").write_text(text)
    (_FOLDER / "gateway.json").write_text(
        json.dumps(
            {
                case.name: {name: [asdict(sample) for sample in runs] for name, runs in targets.items()}
                for case, targets in samples.items()
            },
            indent=1,
        )
        + "\n"
    )
    print(text)
