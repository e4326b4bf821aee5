"""What a worker takes while it works on large photos: memory over all its processes, and the event loop's patience."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from photomesh_local.processes.sockets import descendants

__all__ = ["Footprint", "measure"]

_LOOK_SECONDS = 0.01


@dataclass(frozen=True)
class Footprint:
    """Peaks while photos are worked on one after the other (`single`) and as many at once as the worker takes
    (`several`). Megabytes: `resident` adds up what each process sees, `proportional` counts shared pages once."""

    photo: str
    single_resident: float
    single_proportional: float
    several_resident: float
    several_proportional: float
    held_up_ms: float
    """The longest that the event loop was, by what the process itself computed."""


def measure(photos: Mapping[str, Path]) -> list[Footprint]:
    found = []
    for name, path in photos.items():
        print(f"… the worker on {name}", flush=True)
        single = _run(1, path)
        several = _run(4, path)
        found.append(
            Footprint(
                photo=name,
                single_resident=single["resident"],
                single_proportional=single["proportional"],
                several_resident=several["resident"],
                several_proportional=several["proportional"],
                held_up_ms=max(single["held_up"], several["held_up"]) * 1000,
            )
        )
    return found


def _run(at_once: int, path: Path) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.media.worker", str(at_once), str(path)]
    resident = proportional = 0.0
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        while process.poll() is None:
            sizes = [_memory(pid) for pid in descendants(process.pid)]
            resident = max(resident, sum(size for size, _ in sizes))
            proportional = max(proportional, sum(size for _, size in sizes))
            time.sleep(_LOOK_SECONDS)
        assert process.stdout is not None
        measured: dict[str, float] = json.loads(process.stdout.read())
    return measured | {"resident": resident, "proportional": proportional}


def _memory(pid: int) -> tuple[float, float]:
    """Megabytes of a process: all that it sees, and its share."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0, 0.0
    sizes = {line.split(":")[0]: int(line.split()[1]) / 1024 for line in lines[1:]}
    return sizes["Rss"], sizes["Pss"]
