"""What the society does: it meets, publishes, likes, comments and reads, all by the public API."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress
from rich.table import Table

from demo.client import Account, Platform
from demo.society import Society

__all__ = [
    "Published",
    "engage",
    "feed_of",
    "follow",
    "notifications_of",
    "open_feeds",
    "publish",
    "register",
    "show",
    "tell",
]

_AT_ONCE = 16
_IN_FEEDS_WITHIN = 60.0
_TOLD = 6
Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Published:
    """A post, by the number of its author, and how long it took until the last follower saw it in their feed."""

    author: int
    body: dict[str, Any]
    followers: int
    seconds: float


async def _each(
    console: Console, what: str, items: Sequence[Item], act: Callable[[Item], Awaitable[Result]]
) -> list[Result]:
    """`act` on every item, some at a time, with a bar."""
    gate = asyncio.Semaphore(_AT_ONCE)
    with Progress(*Progress.get_default_columns(), MofNCompleteColumn(), console=console) as bar:
        progress = bar.add_task(what, total=len(items))

        async def one(item: Item) -> Result:
            async with gate:
                result = await act(item)
            bar.advance(progress)
            return result

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(item)) for item in items]
    return [task.result() for task in tasks]


async def register(console: Console, platform: Platform, society: Society, run: str) -> list[Account]:
    return await _each(console, "Registering", society.names, lambda name: platform.register(f"{name}_{run}"))


async def follow(console: Console, platform: Platform, society: Society, people: Sequence[Account]) -> None:
    pairs = [(person, other) for person, followed in enumerate(society.follows) for other in sorted(followed)]
    random.Random(1).shuffle(pairs)  # noqa: S311 - nobody follows everybody at once
    await _each(console, "Following", pairs, lambda pair: platform.follow(people[pair[0]], people[pair[1]]))


async def open_feeds(console: Console, platform: Platform, people: Sequence[Account]) -> None:
    """Everybody looks once: posts are pushed to those who were there lately."""
    await _each(console, "Opening feeds", people, lambda person: platform.feed(person, limit=1))


async def publish(
    platform: Platform, society: Society, people: Sequence[Account], author: int, photo_ids: list[str], caption: str
) -> Published:
    """Publishes a post, and watches the feeds of all followers until the last has it. Raises TimeoutError."""
    body = await platform.publish(people[author], photo_ids, caption)
    started = time.monotonic()
    gate = asyncio.Semaphore(_AT_ONCE)

    async def seen_by(person: Account) -> float:
        while (elapsed := time.monotonic() - started) < _IN_FEEDS_WITHIN:
            async with gate:
                page = await platform.feed(person, mode="chronological", limit=10)
            if any(item["id"] == body["id"] for item in page):
                return time.monotonic() - started
            await asyncio.sleep(0.02)
        raise TimeoutError(f"{body['id']} is not in the feed of @{person.username} after {elapsed:.0f} s")

    followers = society.followers(author)
    seconds = await asyncio.gather(*(seen_by(people[person]) for person in followers))
    return Published(author, body, len(followers), max(seconds, default=0.0))


async def engage(
    console: Console, platform: Platform, society: Society, people: Sequence[Account], posts: Sequence[Published]
) -> tuple[int, int]:
    """Likes and comments; how many of each."""
    likes = [(person, post) for n, post in enumerate(posts) for person in society.likers(n, post.author)]
    remarks = [(person, post, text) for n, post in enumerate(posts) for person, text in society.remarks(n, post.author)]
    await _each(console, "Liking", likes, lambda like: platform.like(people[like[0]], like[1].body["id"]))
    await _each(
        console,
        "Commenting",
        remarks,
        lambda remark: platform.comment(people[remark[0]], remark[1].body["id"], remark[2]),
    )
    return len(likes), len(remarks)


async def feed_of(
    platform: Platform, reader: Account, complete: Callable[[Iterable[dict[str, Any]]], bool]
) -> list[dict[str, Any]]:
    """The first page of somebody's home feed, as soon as it is `complete`: likes are counted a moment after they are
    made. Raises TimeoutError."""
    started = time.monotonic()
    while time.monotonic() - started < _IN_FEEDS_WITHIN:
        if complete(page := await platform.feed(reader)):
            return page
        await asyncio.sleep(0.1)
    raise TimeoutError(f"the feed of @{reader.username} is not complete")


async def notifications_of(platform: Platform, account: Account, likes: Mapping[str, int]) -> list[dict[str, Any]]:
    """What somebody hears of, as soon as it has all likes of these posts. Raises TimeoutError."""
    started = time.monotonic()
    while time.monotonic() - started < _IN_FEEDS_WITHIN:
        items = await platform.notifications(account)
        heard = {item["post"]["id"]: item["count"] for item in items if item["kind"] == "like"}
        if all(heard.get(post_id, 0) == count for post_id, count in likes.items() if count):
            return items
        await asyncio.sleep(0.1)
    raise TimeoutError(f"@{account.username} does not hear of all likes")


def tell(console: Console, account: Account, items: Sequence[dict[str, Any]]) -> None:
    """The largest of them."""
    console.print(f"[bold]What @{account.username} hears of[/]")
    by_others = sorted((item for item in items if item["accounts"]), key=lambda item: -item["count"])
    for item in by_others[:_TOLD]:
        others = item["count"] - 1
        who = f"@{item['accounts'][0]['username']}"
        if others:
            who += f" and {others} other{'s' if others > 1 else ''}"
        console.print(f"  {who}: {item['kind'].replace('_', ' ')}", highlight=False)


def show(console: Console, reader: Account, page: Sequence[dict[str, Any]]) -> None:
    table = Table(title=f"Home feed of @{reader.username}", title_justify="left")
    for heading in ("author", "caption"):
        table.add_column(heading)
    for heading in ("photos", "likes", "comments"):
        table.add_column(heading, justify="right")
    for item in page:
        heart = "♥ " if item["viewer"]["liked"] else ""
        table.add_row(
            f"@{item['author']['username']}",
            f"{item['caption']} ({item['suggestion']['because']})" if item["suggestion"] else item["caption"],
            str(len(item["photos"])),
            f"{heart}{item['like_count']}",
            str(item["comment_count"]),
        )
    console.print(table)
