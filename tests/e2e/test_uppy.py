"""The example for Uppy 6 uploads photos in Node."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from demo.client import Account, Platform
from tests.support.node import node, packages

EXAMPLE = Path(__file__).parents[2] / "examples/uppy"

Json = dict[str, Any]
Run = Callable[..., Awaitable[list[Json]]]


@pytest.fixture(scope="module")
def executable() -> str:
    packages(EXAMPLE)
    return node()


@pytest.fixture
def uppy(ada: Account, gateway_url: str, executable: str) -> Run:
    """Runs the example as an account; gives a line for each file."""
    token = ada.headers["Authorization"].removeprefix("Bearer ")

    async def run(*arguments: str | Path) -> list[Json]:
        process = await asyncio.create_subprocess_exec(
            executable,
            "headless.js",
            *arguments,
            cwd=EXAMPLE,
            env=os.environ | {"PHOTOMESH_URL": gateway_url, "PHOTOMESH_TOKEN": token},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        async with asyncio.timeout(60):
            out, err = await process.communicate()
        assert process.returncode == 0, err.decode()
        return [json.loads(line) for line in out.decode().splitlines() if line.startswith("{")]

    return run


async def test_it_uploads_small_photos_and_large_ones(
    uppy: Run, platform: Platform, ada: Account, some_photo: Path, large_photo: Path
) -> None:
    sent = await uppy(some_photo, large_photo)
    assert [line["name"] for line in sent] == [some_photo.name, large_photo.name]
    for line in sent:
        await platform.wait_until_ready(ada, line["photo_id"], within=60)


async def test_an_interrupted_upload_is_continued(
    uppy: Run, platform: Platform, ada: Account, large_photo: Path
) -> None:
    [line] = await uppy("--interrupt", large_photo)
    assert sorted(line["puts"]) == list(range(1, len(line["puts"]) + 1)), "a part was sent twice, or not at all"
    assert len(line["puts"]) > 1
    upload = await platform.call("GET", f"/v1/uploads/{line['uploadId']}", ada)
    assert (upload["status"], upload["photo_id"]) == ("completed", line["photo_id"])


async def test_cancelling_aborts_the_upload(uppy: Run, platform: Platform, ada: Account, large_photo: Path) -> None:
    [line] = await uppy("--cancel", large_photo)
    assert line["cancelled"]
    assert (await platform.call("GET", f"/v1/uploads/{line['uploadId']}", ada))["status"] == "aborted"
