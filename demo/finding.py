"""What people find: accounts and posts by searching, stories in their tray, and posts of strangers by exploring."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TypeVar

from rich.console import Console

from demo.client import Account, Platform
from demo.sheet import Picture

__all__ = ["explore", "look_at_stories", "search", "tell_story"]

_WITHIN = 60.0
_TYPED = 3
T = TypeVar("T")


async def _once(look: Callable[[], Awaitable[T]], there: Callable[[T], bool], what: str) -> T:
    """What somebody sees as soon as it is `there`: it is a moment behind. Raises TimeoutError."""
    started = time.monotonic()
    while time.monotonic() - started < _WITHIN:
        if there(seen := await look()):
            return seen
        await asyncio.sleep(0.2)
    raise TimeoutError(f"{what} after {_WITHIN:.0f} s")


async def search(console: Console, platform: Platform, reader: Account, author: Account, post_id: str) -> None:
    """Types the first letters of a name, and then looks for the author's posts."""
    typed = author.username[:_TYPED]

    async def suggested() -> list[str]:
        body = await platform.call("GET", "/v1/search/suggest", reader, params={"q": typed})
        return [one["username"] for one in body["items"]]

    async def found() -> list[str]:
        params = {"q": f"photomesh from:{author.username}", "limit": "50"}
        body = await platform.call("GET", "/v1/search/posts", reader, params=params)
        return [one["id"] for one in body["items"]]

    names = await _once(suggested, lambda names: author.username in names, f"@{author.username} is not suggested")
    posts = await _once(found, lambda posts: post_id in posts, f"{post_id} is not found")
    console.print(f"[bold]What @{reader.username} finds[/]")
    suggestions = ", ".join(f"@{name}" for name in names[:4])
    console.print(f"  by typing “{typed}”: {suggestions}", highlight=False, soft_wrap=True)
    console.print(
        f"  by searching “photomesh from:{author.username}”: {len(posts)} found", highlight=False, soft_wrap=True
    )


async def tell_story(platform: Platform, author: Account, file: Path) -> None:
    photo_id = await platform.upload(author, file, lambda _: None, purpose="story")
    await platform.wait_until_ready(author, photo_id, within=_WITHIN)
    await platform.call("POST", "/v1/stories", author, json={"photo_id": photo_id})


async def look_at_stories(
    console: Console, platform: Platform, reader: Account, authors: Sequence[Account]
) -> list[Picture]:
    """Looks at the stories of these, whom the reader follows; gives the reader's tray as it was before."""
    expected = {author.id for author in authors}

    async def rings() -> list[Account]:
        body = await platform.call("GET", "/v1/stories/tray", reader)
        return [Account(one["account"]["id"], one["account"]["username"], {}) for one in body["items"] if one["unseen"]]

    tray = await _once(rings, lambda tray: expected <= {one.id for one in tray}, "stories are not in the tray")
    pictures = []
    for author in tray:
        stories = (await platform.call("GET", f"/v1/users/{author.id}/stories", reader))["items"]
        for story in stories:
            await platform.call("PUT", f"/v1/stories/{story['id']}/seen", reader)
        content, _ = await platform.fetch(stories[-1]["variants"]["150"])
        pictures.append(Picture(f"@{author.username}", content))
    names = ", ".join(one.label for one in pictures)
    left = len(await rings())
    console.print(f"  in the tray of stories: {names}; unseen after a look: {left}", highlight=False, soft_wrap=True)
    return pictures


async def explore(console: Console, platform: Platform, reader: Account, hashtag: str) -> list[Picture]:
    """Looks at posts of accounts that the reader does not follow."""

    async def page() -> list[Picture]:
        params = {"interest": hashtag}
        items = (await platform.call("GET", "/v1/explore", reader, params=params))["items"]
        pictures = [(f"@{one['author']['username']}: {one['reason']['because']}", one["photo_url"]) for one in items]
        return [Picture(label, (await platform.fetch(url))[0]) for label, url in pictures if url]

    shown = await _once(page, bool, f"@{reader.username} has nothing to explore")
    console.print(
        f"  by exploring, as @{reader.username}: {len(shown)} found, first {shown[0].label}",
        highlight=False,
        soft_wrap=True,
    )
    return shown
