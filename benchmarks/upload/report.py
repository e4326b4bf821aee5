"""The results, as a table of ratios for people and as JSON."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.upload.load import Saturated

__all__ = ["Results", "quantile", "write"]

_FOLDER = Path(__file__).resolve().parents[1] / "results"
_AIMS = {"init": 0.050, "init, 10 parts": 0.050, "complete": 0.100, "complete → ready": 2.0}


@dataclass(frozen=True)
class Results:
    """`seconds` by what was done; `alone` in photos a second; `load_before` is the machine's load average."""

    photo_bytes: int
    seconds: Mapping[str, Sequence[float]]
    alone: float
    clients: int
    processes: int
    load_before: float
    saturated: Saturated


def quantile(values: Sequence[float], share: float) -> float:
    """The value that this share of all values does not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def _latencies(results: Results) -> list[str]:
    lines = [
        "| one client, one photo after another | n | P50 | P99 | aim for P99 | P99 ÷ aim |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for what, seconds in results.seconds.items():
        middle, high = quantile(seconds, 0.5), quantile(seconds, 0.99)
        aim = _AIMS.get(what)
        goal = f"{aim * 1000:.0f} ms | {high / aim:.2f}" if aim else "– | –"
        lines.append(f"| {what} | {len(seconds)} | {middle * 1000:.1f} ms | {high * 1000:.1f} ms | {goal} |")
    return lines


def _rates(results: Results) -> list[str]:
    rate = results.saturated.photos / results.saturated.seconds
    return [
        f"| {results.photo_bytes / 1e6:.1f} MB photos of 12 MP | photos/s | ÷ pipeline alone |",
        "| --- | --- | --- |",
        f"| the pipeline alone, {results.processes} processes, bytes from memory | {results.alone:.1f} | 1.00 |",
        f"| the whole mesh, {results.clients} clients on the same machine | {rate:.1f} | {rate / results.alone:.2f} |",
    ]


def _processor(results: Results) -> list[str]:
    total = sum(results.saturated.processor.values())
    available = (os.cpu_count() or 1) * results.saturated.seconds
    lines = [
        f"Whose the processor was while saturated ({total / available:.0%} of all cores):",
        "",
        "| program | share | ms a photo |",
        "| --- | --- | --- |",
    ]
    for program, seconds in results.saturated.processor.items():
        if seconds / total >= 0.01:
            lines.append(f"| {program} | {seconds / total:.0%} | {seconds / results.saturated.photos * 1000:.0f} |")
    return lines


def write(results: Results, command: str) -> str:
    """Writes `benchmarks/results/upload.md` and `.json`; gives the text of the first."""
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    text = "\n".join(
        [
            "# Uploads",
            "",
            f"`{command}` on {machine}. All calls go through the gateway; "
            "clients, servers and services share the machine. "
            f"Before it began the machine's load average was {results.load_before:.1f}.",
            "",
            *_latencies(results),
            "",
            *_rates(results),
            "",
            *_processor(results),
            "",
        ]
    )
    _FOLDER.mkdir(exist_ok=True)
    (_FOLDER / "upload.md").write_text(text)
    summary = asdict(results) | {
        "command": command,
        "machine": machine,
        "seconds": {
            what: {"n": len(s), "p50": round(quantile(s, 0.5), 5), "p99": round(quantile(s, 0.99), 5)}
            for what, s in results.seconds.items()
        },
    }
    (_FOLDER / "upload.json").write_text(json.dumps(summary, indent=2, ensure_ascii=False) + "\n")
    return text
