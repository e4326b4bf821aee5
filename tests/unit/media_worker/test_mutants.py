"""Seeded random damage: no crash, no time-out, little memory, a documented reason each."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from photomesh_media_worker.domain import REASONS
from tests.support.photos import Kind


@pytest.mark.parametrize(("kind", "count"), [("jpeg", 1200), ("png", 800), ("webp", 800), ("avif", 600), ("heic", 600)])
def test_damaged_photos_are_results(kind: Kind, count: int) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "tests.unit.media_worker.mutants", kind, str(count), "20261121"],
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    assert run.returncode == 0, f"mutant {run.stderr[-300:]} ended it with {run.returncode}"
    told = json.loads(run.stdout)
    assert sum(told["reasons"].values()) == count
    assert told["reasons"].keys() <= {*REASONS, "ready"}
    assert told["reasons"].get("internal") is None
    assert told["slowest_seconds"] < 3
    assert told["megabytes"] < 400
