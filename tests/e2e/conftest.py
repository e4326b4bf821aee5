"""The whole mesh on the test stack, seen as its clients see it."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import httpx
import numpy as np
import pytest

from demo.client import Account, Platform
from tests.support import photos


@pytest.fixture(scope="session")
def gateway_url(mesh: Mapping[str, int]) -> str:
    return f"http://127.0.0.1:{mesh['GATEWAY']}"


@pytest.fixture(scope="session")
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=60) as client:
        yield client


@pytest.fixture(scope="session")
def platform(http: httpx.AsyncClient, gateway_url: str) -> Platform:
    """A patient client: it waits out what the tests do to the servers."""
    return Platform(http, gateway_url, tries=60)


@pytest.fixture
async def ada(platform: Platform) -> Account:
    return await platform.register(f"ada_{secrets.token_hex(6)}")


@pytest.fixture
async def grace(platform: Platform) -> Account:
    return await platform.register(f"grace_{secrets.token_hex(6)}")


@pytest.fixture(scope="session")
def photo_files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One photo of each type, by its file's ending."""
    folder = tmp_path_factory.mktemp("photos")
    kinds: dict[str, photos.Kind] = {"jpg": "jpeg", "png": "png", "webp": "webp", "avif": "avif", "heic": "heic"}
    files = {ending: folder / f"photo.{ending}" for ending in kinds}
    for ending, kind in kinds.items():
        files[ending].write_bytes(photos.photo(kind, 1600, 1200))
    return files


@pytest.fixture(scope="session")
def some_photo(photo_files: dict[str, Path]) -> Path:
    return photo_files["jpg"]


@pytest.fixture(scope="session")
def large_photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A JPEG of more than 5 MB, which goes up in parts: noise does not compress."""
    file = tmp_path_factory.mktemp("photos") / "large.jpg"
    noise = np.random.default_rng(5).integers(0, 256, (2400, 3200, 3), np.uint8)
    file.write_bytes(photos.encode("jpeg", noise, quality=90))
    return file
