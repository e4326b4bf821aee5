"""A photo is processed again by command, while it stays in use."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from demo.client import Account, Platform
from photomesh_local import environment
from tests.support.kafka import Topics


async def test_a_photo_is_processed_again_and_stays_as_it_is(
    platform: Platform, ada: Account, some_photo: Path, topics: Topics
) -> None:
    photo_id = await platform.upload(ada, some_photo, lambda count: None)
    before = (await platform.wait_until_ready(ada, photo_id, within=30)).body

    command = [sys.executable, "-m", "photomesh_upload.reprocess", "--photo", photo_id]
    process = await asyncio.create_subprocess_exec(
        *command, env=os.environ | environment("test", "upload"), stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    assert process.returncode == 0
    assert "requested: 1\n" in output.decode()

    first, again = await topics.wait_for("photo_ready", photo_id, until=lambda events: len(events) == 2)
    (request,) = await topics.events("photos_reprocess", photo_id)
    assert first.entityversion < request.entityversion < again.entityversion
    assert first.id != again.id
    assert first.data.variants == again.data.variants  # type: ignore[attr-defined] # all are PhotoReady
    await topics.caught_up("post")
    assert (await platform.call("GET", f"/v1/photos/{photo_id}", ada)) == before
