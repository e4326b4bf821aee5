"""Processes damaged photos in a process of its own, and tells what became of them as JSON.

    python -m tests.unit.media_worker.mutants heic 400 7        (type, how many, seed)

Ends by a signal if a decoder crashes, and with the number of the mutant on stderr if one takes too long.
"""

from __future__ import annotations

import json
import random
import resource
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from photomesh_media_worker.domain import REASONS, Rejected
from photomesh_media_worker.pipeline import process
from tests.support import photos
from tests.support.photos import Kind

CASES = Path(__file__).parents[2] / "cases" / "photos"
SECONDS = 10
MEMORY = 1024 * 1024 * 1024


def seeds_of(kind: Kind) -> list[bytes]:
    """A few small photos that between them have every part that a file of the type may have."""
    options: dict[Kind, list[dict[str, Any]]] = {
        "jpeg": [{}, {"progressive": True}, {"restart_marker_blocks": 2}, {"subsampling": "4:4:4"}],
        "png": [{}, {"icc_profile": photos.icc_profile(photos.ADOBE_RGB)}],
        "webp": [{}, {"lossless": True}],
        "avif": [{}, {"icc_profile": photos.icc_profile(photos.DISPLAY_P3)}],
        "heic": [{}, {"icc_profile": photos.icc_profile(photos.DISPLAY_P3)}],
    }
    scene = photos.scene(96, 64)
    odd: dict[Kind, list[str]] = {
        "jpeg": ["exif-broken-neighbour/text-cut.jpg", "restart-junk/restart-junk.jpg", "unterminated/no-eoi.jpg"],
        "png": ["png-colour-chunks/chrm-adobe.png", "unterminated/iend-cut.png"],
        "webp": [],
        "avif": ["avif-clap/cropped.avif", "avif-bad-exif/fine.avif", "cicp-bt2020/bt2020.avif"],
        "heic": ["heic-grey-deep/grey10.heic", "heic-premultiplied/premultiplied.heic"],
    }
    return [(CASES / name).read_bytes() for name in odd[kind]] + [
        photos.encode(kind, scene, orientation=6, tags=photos.EXIF, location=True, **o) for o in options[kind]
    ]


def mutants(kind: Kind, count: int, seed: int) -> Iterator[bytes]:
    dice = random.Random(f"{kind} {seed}")
    originals = seeds_of(kind)
    for number in range(count):
        data = bytearray(originals[number % len(originals)])
        for _ in range(dice.choice((1, 1, 1, 2, 4, 16))):
            _mutate(data, dice, originals)
        yield bytes(data)


def _mutate(data: bytearray, dice: random.Random, originals: list[bytes]) -> None:
    # Headers are where parsers go wrong, so half of the damage is there.
    at = dice.randrange(min(len(data), 700)) if dice.random() < 0.5 else dice.randrange(len(data))
    length = dice.randint(1, 40)
    match dice.randrange(8):
        case 0:
            data[at] ^= 1 << dice.randrange(8)
        case 1:
            data[at] = dice.randrange(256)
        case 2:
            data[at : at + 4] = dice.choice((b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\0\0\xea\x60"))
        case 3:
            data[at : at + length] = dice.randbytes(length)
        case 4:
            del data[at : at + length]
        case 5:
            data[at:at] = dice.randbytes(length)
        case 6:
            data[at:at] = data[at : at + length]
        case 7:
            other = dice.choice(originals)
            data[at : at + length] = other[at : at + length]
    if not data:
        data += b"\0"


def _peak_megabytes() -> int:
    """Of this program alone: `ru_maxrss` would begin with the size of the process that started it."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) // 1024


def main() -> None:
    kind, count, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    assert kind in photos.KINDS
    everything = list(mutants(kind, count, seed))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    reasons: Counter[str] = Counter()
    slowest = 0.0
    for number, data in enumerate(everything):
        signal.alarm(SECONDS)  # ends the process: a decoder would not let Python handle it
        print(number, file=sys.stderr)
        started = time.process_time()
        outcome = process(data)
        slowest = max(slowest, time.process_time() - started)
        code = outcome.reason.code if isinstance(outcome, Rejected) else "ready"
        assert code == "ready" or code in REASONS, code
        reasons[code] += 1
    signal.alarm(0)
    megabytes = _peak_megabytes()
    json.dump({"reasons": reasons, "slowest_seconds": slowest, "megabytes": megabytes}, sys.stdout)


if __name__ == "__main__":
    main()
