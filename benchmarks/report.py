"""Where results go, and how times and machines are written."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path

__all__ = ["machine", "ms", "quantile", "write"]

_FOLDER = Path(__file__).resolve().parent / "results"


def write(name: str, lines: Sequence[str], summary: Mapping[str, object]) -> str:
    """Writes `benchmarks/results/<name>.md` and `.json`; gives the text of the first."""
    text = "\n".join([*lines, ""])
    _FOLDER.mkdir(exist_ok=True)
    (_FOLDER / f"{name}.md").write_text(text)
    (_FOLDER / f"{name}.json").write_text(json.dumps(summary, indent=2, ensure_ascii=False) + "\n")
    return text


def machine() -> str:
    return f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"


def ms(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms" if seconds < 0.1 else f"{seconds * 1000:,.0f} ms"


def quantile(values: Sequence[float], share: float) -> float:
    """The value that this share of all values does not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
