"""The race of the media pipeline: a contestant that cannot do a photo is left out for that photo alone."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from benchmarks.media.race import race

CONTESTANT = """
import json, os, sys
for line in sys.stdin:
    name = os.path.basename(line.strip())
    if name == sys.argv[1]:
        os.abort()
    print(json.dumps({"cpu": None if name == sys.argv[2] else 0.5, "stages": {}}), flush=True)
"""


def contestant(dies_on: str, *, cannot: str = "") -> list[str]:
    return [sys.executable, "-c", CONTESTANT, dies_on, cannot]


def test_a_contestant_that_dies_is_a_dash_and_the_race_goes_on(tmp_path: Path) -> None:
    photos = {name: tmp_path / name for name in ("first.heic", "second.jpg", "third.avif")}
    contestants = {
        "steady": contestant("nothing"),
        "mortal": contestant("first.heic"),
        "modest": contestant("third.avif", cannot="second.jpg"),
    }
    times = race(contestants, photos, rounds=2, core=min(os.sched_getaffinity(0)))
    found = {name: [times.median(name, photo) for photo in photos] for name in contestants}
    assert found == {"steady": [0.5, 0.5, 0.5], "mortal": [None, 0.5, 0.5], "modest": [0.5, None, None]}
    assert all(len(seconds) == 2 for by_photo in times.seconds.values() for seconds in by_photo.values())
