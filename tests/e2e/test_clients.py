"""Clients that four generators make of the OpenAPI document, through a whole journey: register, upload (one PUT, and
parts), post, edit, follow, feed, comment, page. `tests/clients` has a program for each language."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from tests.support import clients, photos

_MINUTES = 15 * 60  # seconds: the first time, toolchains and libraries are downloaded


@pytest.fixture(scope="module")
def builds() -> Mapping[str, Future[list[str]]]:
    """All languages at once: each waits for downloads most of the time."""
    clients.toolchain()
    with ThreadPoolExecutor(len(clients.JOURNEYS)) as pool:
        return {language: pool.submit(clients.build, language) for language in clients.JOURNEYS}


@pytest.fixture(scope="module")
def journey_photos(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two photos with a camera's metadata: one for a single PUT, and one that goes up in parts."""
    folder = tmp_path_factory.mktemp("journey")
    noise = np.random.default_rng(7).integers(0, 256, (2400, 3200, 3), np.uint8)
    (folder / "small.jpg").write_bytes(photos.encode("jpeg", photos.scene(1200, 900), tags=photos.EXIF))
    (folder / "large.jpg").write_bytes(photos.encode("jpeg", noise, quality=90, tags=photos.EXIF))
    return folder / "small.jpg", folder / "large.jpg"


@pytest.mark.timeout(_MINUTES)
@pytest.mark.parametrize("language", clients.JOURNEYS)
async def test_a_generated_client_makes_the_whole_journey(
    language: str, builds: Mapping[str, Future[list[str]]], journey_photos: tuple[Path, Path], gateway_url: str
) -> None:
    command = [*await asyncio.wrap_future(builds[language]), gateway_url, *map(str, journey_photos)]
    ran = await asyncio.to_thread(
        subprocess.run, command, env=dict(os.environ), capture_output=True, text=True, timeout=300
    )
    assert ran.returncode == 0, ran.stderr + ran.stdout
    assert ran.stdout.splitlines()[-1] == "the journey is over"


@pytest.mark.timeout(_MINUTES)
def test_redocly_finds_nothing(builds: Mapping[str, Future[list[str]]]) -> None:
    """Its rules and our decisions about them are in `tests/clients/typescript/redocly.yaml`."""
    builds["typescript"].result()
    clients.lint()
