"""The contact sheet: one HTML file that shows every photo in its four sizes and how long it took, a home feed with its
tray of stories, and what somebody explores."""

from __future__ import annotations

import base64
import html
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["Feed", "Picture", "Shown", "write"]

_STYLE = """
body { font: 15px/1.4 system-ui, sans-serif; margin: 2rem auto; max-width: 80rem; padding: 0 1rem; color: #222 }
h1 { font-weight: 600 }
.sheet { display: grid; grid-template-columns: repeat(auto-fill, minmax(240px, 1fr)); gap: 1rem }
figure { margin: 0; background: #f5f5f5; border-radius: 8px; overflow: hidden }
figure img { width: 100%; height: 240px; object-fit: contain; background: #ddd; display: block }
.tray { display: flex; gap: 1rem } .tray figure { background: none; text-align: center }
.tray img { width: 80px; height: 80px; object-fit: cover; border-radius: 50%; border: 3px solid #c36 }
.grid { display: grid; grid-template-columns: repeat(auto-fill, minmax(150px, 1fr)); gap: .3rem }
.grid figure { border-radius: 0 } .grid img { height: 150px; object-fit: cover }
.feed { max-width: 30rem } .feed figure { margin-bottom: 1rem }
figcaption { padding: .6rem .8rem } figcaption b { display: block; overflow-wrap: anywhere } small { color: #666 }
"""


@dataclass(frozen=True)
class Shown:
    """A photo on the sheet; `small` is its 320 variant."""

    name: str
    author: str
    body: dict[str, Any]
    seconds: float
    small: bytes


@dataclass(frozen=True)
class Picture:
    """A small picture with a line under it."""

    label: str
    small: bytes


@dataclass(frozen=True)
class Feed:
    """A page of somebody's home feed, as the API gives it."""

    reader: str
    items: Sequence[dict[str, Any]]


def write(
    target: Path, title: str, photos: Sequence[Shown], feed: Feed, tray: Sequence[Picture], explored: Sequence[Picture]
) -> None:
    """Writes the sheet. It holds the small pictures itself, and links to the four sizes at the CDN. `tray` is that of
    the feed's reader."""
    target.parent.mkdir(parents=True, exist_ok=True)
    figures = "\n".join(_figure(photo) for photo in photos)
    small = {photo.body["id"]: photo.small for photo in photos}
    posts = "\n".join(_post(item, small) for item in feed.items)
    target.write_text(
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{html.escape(title)}</title><style>{_STYLE}</style>"
        f"<h1>{html.escape(title)}</h1><div class=sheet>{figures}</div>"
        f"<h1>Home feed of @{html.escape(feed.reader)}</h1>"
        f"<div class=tray>{_pictures(tray)}</div><div class=feed>{posts}</div>"
        f"<h1>Explored by somebody else</h1><div class=grid>{_pictures(explored)}</div></html>\n"
    )


def _source(small: bytes) -> str:
    return f"data:image/jpeg;base64,{base64.b64encode(small).decode()}"


def _pictures(pictures: Sequence[Picture]) -> str:
    return "\n".join(
        f'<figure><img src="{_source(one.small)}" alt=""><figcaption>{html.escape(one.label)}</figcaption></figure>'
        for one in pictures
    )


def _post(item: dict[str, Any], small: dict[str, bytes]) -> str:
    """A post of the feed, with its first photo."""
    first = item["photos"][0]["id"]
    picture = f'<img src="{_source(small[first])}" alt="">' if first in small else ""
    liked = " ♥" if item["viewer"]["liked"] else ""
    return (
        f"<figure>{picture}<figcaption><b>@{html.escape(item['author']['username'])}</b>{html.escape(item['caption'])}<br>"
        f"<small>{item['like_count']} likes{liked} · {item['comment_count']} comments</small></figcaption></figure>"
    )


def _figure(photo: Shown) -> str:
    source = _source(photo.small)
    sizes = sorted(photo.body["variants"].items(), key=lambda entry: int(entry[0]))
    links = " · ".join(f'<a href="{html.escape(url)}">{html.escape(size)}</a>' for size, url in sizes)
    size = f"{photo.body['width']} × {photo.body['height']}"
    return (
        f'<figure><img src="{source}" alt="{html.escape(photo.name)}"><figcaption><b>{html.escape(photo.name)}</b>'
        f"<small>{size} · ready after {photo.seconds:.2f} s · @{html.escape(photo.author)}<br>{links}</small>"
        "</figcaption></figure>"
    )
