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

__all__ = ["Case", "Sample", "Samples", "write"]

_FOLDER = Path(__file__).resolve().parents[1] / "results"
_AIM = 0.70
_PARTS = {
    "gateway, no access log": "the access log",
    "gateway, limits in this process": "rate limits in Redis rather than in this process",
    "gateway, anonymous": "the token, and the limits of an account",
}


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


def _parts(targets: Mapping[str, Sequence[Sample]]) -> list[str]:
    """What the gateway's parts cost, each by leaving it out."""
    whole, bare = _cpu(targets["gateway"]), _cpu(targets["bare proxy"])
    left_out = {what: whole - _cpu(targets[name]) for name, what in _PARTS.items()}
    spans = _cpu(targets["gateway, spans to a file"]) - whole
    lines = ["| where the gateway's CPU goes | µs/request |", "| --- | --- |"]
    lines.append(f"| what the bare proxy does too | {bare * 1e6:.0f} |")
    lines += [f"| {what} | {cost * 1e6:.0f} |" for what, cost in left_out.items()]
    rest = whole - bare - sum(left_out.values())
    lines.append(f"| the rest: routes, headers, ids, metrics, time-outs, watching the client | {rest * 1e6:.0f} |")
    lines.append(f"| **in all** | **{whole * 1e6:.0f}** |")
    lines += [f"| with spans written to a file (the local stack does that), more | {spans * 1e6:.0f} |", ""]
    return lines


def write(samples: Samples, *, rounds: int, seconds: int, pinned: bool) -> None:
    """Writes results/gateway.md and gateway.json, and shows the former."""
    first = next(iter(samples.values()))
    reached = _ratio(first["gateway"], first["bare proxy"])
    lines = [
        "# The gateway",
        "",
        f"`make bench-gateway` on {os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}. "
        f"Medians of {rounds} rounds; in each round every target has {seconds} s of load, one after the other. "
        f"The service answers with 364 bytes of JSON. Load: {generator()}."
        + (" Proxies have a core; service, load and Redis have the others." if pinned else ""),
        "",
        f"Aim: {_AIM:.0%} of the bare proxy's requests a second. Reached: **{reached:.0%}**.",
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
