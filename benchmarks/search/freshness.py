"""How long a new post takes until it is found."""

from __future__ import annotations

import asyncio
import io
import secrets
import time

import aiohttp
import numpy as np
from PIL import Image

from benchmarks.upload.client import Person, Times, people

__all__ = ["seconds_until_found"]

_EVERY_SECONDS = 0.02
_PATIENCE_SECONDS = 60.0
_SIZE = 640


async def seconds_until_found(gateway: str, posts: int) -> list[float]:
    """Of each post, from the answer to its request until somebody else finds a word of its caption."""
    times = Times()
    async with aiohttp.ClientSession() as http:
        author, reader = await people(http, gateway, 2, times)
        return [await _found(author, reader) for _ in range(posts)]


async def _found(author: Person, reader: Person) -> float:
    photo_id = await author.upload(_photo())
    await author.wait_until_ready(photo_id)
    word = f"w{secrets.token_hex(8)}"
    await author.call("POST", "/v1/posts", json={"photo_ids": [photo_id], "caption": f"Evening {word}"})
    began = time.perf_counter()
    while not (await reader.call("GET", f"/v1/search/posts?q={word}"))["items"]:
        if time.perf_counter() - began > _PATIENCE_SECONDS:
            raise SystemExit(f"a post was not found within {_PATIENCE_SECONDS:.0f} s")
        await asyncio.sleep(_EVERY_SECONDS)
    return time.perf_counter() - began


def _photo() -> bytes:
    """No two are alike: otherwise the second would be found by its hash."""
    colours = np.random.default_rng().integers(0, 255, (8, 8, 3), np.uint8)
    target = io.BytesIO()
    Image.fromarray(colours).resize((_SIZE, _SIZE), Image.Resampling.BICUBIC).save(target, "JPEG")
    return target.getvalue()
