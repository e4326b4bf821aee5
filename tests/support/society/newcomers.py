"""New accounts for a society."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

from demo.client import Account, Platform
from tests.support import photos
from tests.support.society.model import Model
from tests.support.society.people import People

__all__ = ["settle"]

_PEOPLE = 6
_PHOTOS = 3


async def settle(
    http: httpx.AsyncClient, url: str, platform: Platform, *, patience: float = 30
) -> tuple[People, Mapping[int, list[str]]]:
    """New accounts that know nobody yet, and photos of each that are ready to be published."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "small.jpg"
        file.write_bytes(photos.photo("jpeg", 200, 150))
        accounts = await asyncio.gather(
            *(platform.register(f"p{number}_{secrets.token_hex(6)}") for number in range(_PEOPLE))
        )
        uploaded = await asyncio.gather(*(_upload(platform, account, file) for account in accounts))
    return People(http, url, accounts, Model(), patience=patience), dict(enumerate(uploaded))


async def _upload(platform: Platform, account: Account, file: Path) -> list[str]:
    photo_ids = [await platform.upload(account, file, lambda _: None) for _ in range(_PHOTOS)]
    for photo_id in photo_ids:
        await platform.wait_until_ready(account, photo_id, within=60)
    return photo_ids
