"""`make demo`: people upload a folder of photos, wait until each is ready, publish posts, and look at them."""

from __future__ import annotations

import argparse
import asyncio
import secrets
import statistics
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import httpx
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn
from rich.table import Table

from demo.client import Account, ApiError, Photo, PhotoRefused, Platform
from demo.generated import paint
from demo.sheet import Shown, write

_TYPES = {".jpg", ".jpeg", ".png", ".webp", ".avif", ".heic", ".heif"}
_PEOPLE = ("ada", "grace", "linus", "radia")
_AT_ONCE = 4
_READY_WITHIN = 120.0
_PER_POST = 3

console = Console()


@dataclass(frozen=True)
class Upload:
    file: Path
    owner: Account
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
            owner = people[number % len(people)]
            async with gate:
                photo_id = await platform.upload(owner, file, lambda count: bar.advance(task, count))
                photo = await platform.wait_until_ready(owner, photo_id, within=_READY_WITHIN)
            console.print(f"  {photo.seconds:6.2f} s  ready  {photo.id}  {file.name}")
            return Upload(file, owner, photo)

        outcomes = await asyncio.gather(*(one(n, file) for n, file in enumerate(files)), return_exceptions=True)
    for file, outcome in zip(files, outcomes, strict=True):
        if isinstance(outcome, PhotoRefused | ApiError | TimeoutError):
            console.print(f"  [red]not ready[/]  {file.name}: {outcome}")
        elif isinstance(outcome, BaseException):
            raise outcome
    return [outcome for outcome in outcomes if isinstance(outcome, Upload)]


async def _publish(platform: Platform, uploads: list[Upload]) -> int:
    """Publishes each person's photos, a few to a post; gives how many posts."""
    posts = 0
    for owner in {upload.owner.id: upload.owner for upload in uploads}.values():
        own = [upload for upload in uploads if upload.owner == owner]
        for start in range(0, len(own), _PER_POST):
            group = own[start : start + _PER_POST]
            caption = f"{' and '.join(upload.file.stem for upload in group)} #photomesh"
            post = await platform.publish(owner, [upload.photo.id for upload in group], caption)
            console.print(f"  {post['status']}  {post['id']}  @{owner.username}  {len(group)} photos")
            posts += 1
    return posts


async def _look(platform: Platform, uploads: list[Upload]) -> tuple[list[Shown], int, int]:
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
                shown.append(Shown(upload.file.name, upload.owner.username, body, seconds, content))
    return shown, fetched, hits


async def demo(base_url: str, folder: str, sheet: Path) -> bool:
    """Whether every photo came through."""
    files = _photos(folder)
    started = time.monotonic()
    async with httpx.AsyncClient(timeout=60) as http:
        platform = Platform(http, base_url)
        run = secrets.token_hex(3)
        people = [await platform.register(f"{name}_{run}") for name in _PEOPLE]
        console.print(f"[bold]People[/]: {', '.join('@' + person.username for person in people)}")
        uploads = await _upload_all(platform, people, files)
        console.print("[bold]Publishing[/]")
        posts = await _publish(platform, uploads)
        shown, fetched, hits = await _look(platform, uploads)
    write(sheet, f"Photomesh: {len(shown)} photos", shown)

    table = Table(title="What happened", show_header=False)
    table.add_row("photos ready", f"{len(uploads)} of {len(files)}")
    if uploads:
        waits = sorted(upload.photo.seconds for upload in uploads)
        table.add_row("complete → ready", f"median {statistics.median(waits):.2f} s, slowest {waits[-1]:.2f} s")
    table.add_row("posts published", str(posts))
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
    options = parser.parse_args()
    sys.exit(0 if asyncio.run(demo(options.url, options.photos, options.sheet)) else 1)


if __name__ == "__main__":
    main()
