"""`make demo`: a small society meets, some of it upload a folder of photos and publish them, and all look at them."""

from __future__ import annotations

import argparse
import asyncio
import secrets
import statistics
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn
from rich.table import Table

from demo import finding, hearing, social
from demo.client import Account, ApiError, Photo, PhotoRefused, Platform
from demo.generated import paint
from demo.receiver import Receiver
from demo.sheet import Feed, Picture, Shown, write
from demo.social import Published
from demo.society import Society, invent

_TYPES = {".jpg", ".jpeg", ".png", ".webp", ".avif", ".heic", ".heif"}
_PEOPLE = 150
_AUTHORS = (0, 2, 12, 40)  # the celebrity, somebody popular, and two like most
_AT_ONCE = 4
_READY_WITHIN = 120.0
_PER_POST = 2

console = Console()


@dataclass(frozen=True)
class Upload:
    file: Path
    author: int
    photo: Photo


def _photos(folder: str) -> list[Path]:
    where = Path(folder).expanduser() if folder else Path(".photomesh/demo/photos")
    if not folder:
        console.print(f"[bold]Painting photos[/] in {where} (PHOTOS=folder uses your own)")
        paint(where)
    files = sorted(path for path in where.iterdir() if path.suffix.lower() in _TYPES)
    if not files:
        raise SystemExit(f"no photos in {where}: expected {', '.join(sorted(_TYPES))}")
    return files


async def _upload_all(platform: Platform, people: list[Account], files: list[Path]) -> list[Upload]:
    """Uploads every file and waits until each photo is ready."""
    gate = asyncio.Semaphore(_AT_ONCE)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("Uploading", total=sum(file.stat().st_size for file in files))

        async def one(number: int, file: Path) -> Upload:
            author = _AUTHORS[number % len(_AUTHORS)]
            owner = people[author]
            async with gate:
                photo_id = await platform.upload(owner, file, lambda count: bar.advance(task, count))
                photo = await platform.wait_until_ready(owner, photo_id, within=_READY_WITHIN)
            console.print(f"  {photo.seconds:6.2f} s  ready  {photo.id}  {file.name}")
            return Upload(file, author, photo)

        outcomes = await asyncio.gather(*(one(n, file) for n, file in enumerate(files)), return_exceptions=True)
    for file, outcome in zip(files, outcomes, strict=True):
        if isinstance(outcome, PhotoRefused | ApiError | TimeoutError):
            console.print(f"  [red]not ready[/]  {file.name}: {outcome}")
        elif isinstance(outcome, BaseException):
            raise outcome
    return [outcome for outcome in outcomes if isinstance(outcome, Upload)]


async def _publish(
    platform: Platform, society: Society, people: list[Account], uploads: list[Upload]
) -> list[Published]:
    """Publishes each author's photos, a few to a post, one post after the other."""
    posts = []
    for author in _AUTHORS:
        own = [upload for upload in uploads if upload.author == author]
        for start in range(0, len(own), _PER_POST):
            group = own[start : start + _PER_POST]
            caption = f"{' and '.join(upload.file.stem for upload in group)} #photomesh"
            ids = [upload.photo.id for upload in group]
            post = await social.publish(platform, society, people, author, ids, caption)
            console.print(
                f"  {post.seconds:6.2f} s  in all {post.followers:3} feeds  {post.body['id']}"
                f"  @{people[author].username}  {len(group)} photos"
            )
            posts.append(post)
    return posts


async def _read(
    platform: Platform, society: Society, people: list[Account], posts: list[Published]
) -> tuple[Account, list[dict[str, Any]]]:
    """Somebody's feed, with all likes and comments counted in it."""
    number = society.reader(_AUTHORS)
    expected = {
        post.body["id"]: (len(society.likers(n, post.author)), len(society.remarks(n, post.author)))
        for n, post in enumerate(posts)
        if post.author in society.follows[number]
    }

    def complete(page: Iterable[dict[str, Any]]) -> bool:
        return all(
            (item["like_count"], item["comment_count"]) == expected[item["id"]]
            for item in page
            if item["suggestion"] is None
        )

    page = await social.feed_of(platform, people[number], complete)
    social.show(console, people[number], page)
    return people[number], page


async def _find(
    platform: Platform, society: Society, people: list[Account], posts: list[Published], files: list[Path]
) -> tuple[list[Picture], list[Picture]]:
    """The reader searches and looks at stories, and somebody else explores. Gives the tray, and what was explored."""
    number = society.reader(_AUTHORS)
    followed = [author for author in _AUTHORS if author in society.follows[number]]
    await finding.search(console, platform, people[number], people[posts[0].author], posts[0].body["id"])
    await asyncio.gather(
        *(finding.tell_story(platform, people[author], files[n % len(files)]) for n, author in enumerate(followed))
    )
    tray = await finding.look_at_stories(console, platform, people[number], [people[author] for author in followed])
    outsider = people[society.outsider(_AUTHORS)]
    return tray, await finding.explore(console, platform, outsider, "photomesh")


async def _hear(
    platform: Platform,
    society: Society,
    people: list[Account],
    posts: list[Published],
    receiver: Receiver | None,
) -> None:
    """What an author hears of: in the list, everybody who likes a post is one line together. Then in other ways."""
    author = posts[0].author
    likes = {
        post.body["id"]: len(set(society.likers(n, author)) - {author})
        for n, post in enumerate(posts)
        if post.author == author
    }
    social.tell(console, people[author], await social.notifications_of(platform, people[author], likes))
    if receiver is not None:
        await hearing.hear_by_push(console, receiver)
        await hearing.hear_by_webhook(console, receiver)
    other = next(person for person in range(len(people)) if person not in _AUTHORS)
    await hearing.hear_live(console, platform, people[author], people[other], posts[0].body["id"])


async def _look(platform: Platform, people: list[Account], uploads: list[Upload]) -> tuple[list[Shown], int, int]:
    """Fetches every variant twice through the edge; gives the sheet's photos, how many variants, and how many of the
    second fetches the edge had."""
    shown, fetched, hits = [], 0, 0
    for upload in uploads:
        for size, url in upload.photo.body["variants"].items():
            content, _ = await platform.fetch(url)
            _, hit = await platform.fetch(url)
            fetched, hits = fetched + 1, hits + hit
            if size == "320":
                body, seconds = upload.photo.body, upload.photo.seconds
                shown.append(Shown(upload.file.name, people[upload.author].username, body, seconds, content))
    return shown, fetched, hits


async def demo(base_url: str, folder: str, sheet: Path, host: str, certificate: Path | None) -> bool:
    """Whether every photo came through."""
    files = _photos(folder)
    started = time.monotonic()
    society = invent(_PEOPLE)
    async with httpx.AsyncClient(timeout=60) as http:
        platform = Platform(http, base_url)
        people = await social.register(console, platform, society, secrets.token_hex(3))
        await social.follow(console, platform, society, people)
        await social.open_feeds(console, platform, people)
        uploads = await _upload_all(platform, people, files)
        console.print("[bold]Publishing[/], and watching the feeds of all followers")
        posts = await _publish(platform, society, people, uploads)
        async with hearing.listening(console, platform, people[_AUTHORS[0]], host, certificate) as receiver:
            likes, comments = await social.engage(console, platform, society, people, posts)
            shown, fetched, hits = await _look(platform, people, uploads)
            reader, page = await _read(platform, society, people, posts)
            ready = [upload.file for upload in uploads]
            tray, explored = await _find(platform, society, people, posts, ready) if posts else ([], [])
            if posts and posts[0].author == _AUTHORS[0]:
                await _hear(platform, society, people, posts, receiver)
    write(sheet, f"Photomesh: {len(shown)} photos", shown, Feed(reader.username, page), tray, explored)

    table = Table(title="What happened", show_header=False)
    stars = len(society.followers(0))
    table.add_row("people", f"{len(people)}, {society.follow_count()} follows, {stars} of @{people[0].username}")
    table.add_row("photos ready", f"{len(uploads)} of {len(files)}")
    if uploads:
        waits = sorted(upload.photo.seconds for upload in uploads)
        table.add_row("complete → ready", f"median {statistics.median(waits):.2f} s, slowest {waits[-1]:.2f} s")
        spread = sorted(post.seconds for post in posts)
        table.add_row("posts published", str(len(posts)))
        table.add_row("publish → in all feeds", f"median {statistics.median(spread):.2f} s, slowest {spread[-1]:.2f} s")
        table.add_row("likes, comments", f"{likes}, {comments}")
    table.add_row("variants fetched", f"{fetched} through the edge, {hits} of {fetched} again from its cache")
    table.add_row("whole run", f"{time.monotonic() - started:.1f} s")
    table.add_row("contact sheet", str(sheet))
    console.print(table)
    return len(uploads) == len(files)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    parser.add_argument("--url", required=True, help="the gateway's URL")
    parser.add_argument("--photos", default="", help="a folder of photos; without it, some are painted")
    parser.add_argument("--sheet", type=Path, default=Path(".photomesh/demo/index.html"))
    parser.add_argument("--receiver", default="", help="the address of this machine that a local stack may call")
    parser.add_argument("--certificate", type=Path, help="its certificate, with the key")
    options = parser.parse_args()
    done = demo(options.url, options.photos, options.sheet, options.receiver, options.certificate)
    sys.exit(0 if asyncio.run(done) else 1)


if __name__ == "__main__":
    main()
