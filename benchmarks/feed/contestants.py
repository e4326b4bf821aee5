"""Who is asked for feeds, and whether all give the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from benchmarks.load import Request

__all__ = ["CHRONOLOGICAL", "NAIVE", "OURS", "RANKED", "Contestant", "check_agreement", "contestants"]

CHRONOLOGICAL, RANKED = "photomesh", "photomesh, ranked"
OURS = (CHRONOLOGICAL, RANKED)
NAIVE = ("naive, lateral", "naive, join")
_PAGES = 2


@dataclass(frozen=True)
class Contestant:
    """A way to read a feed."""

    name: str
    url: str
    path: str

    @property
    def ours(self) -> bool:
        return self.name in OURS

    def requests(self, tokens: Iterable[str]) -> list[Request]:
        return [Request("GET", self.path, token) for token in tokens]


def contestants(gateway: str, naive: str) -> list[Contestant]:
    return [
        Contestant(CHRONOLOGICAL, gateway, "/v1/feed?mode=chronological&limit=20"),
        Contestant(RANKED, gateway, "/v1/feed?mode=ranked&limit=20"),
        *(Contestant(name, naive, f"/v1/feed?limit=20&shape={name.partition(', ')[2]}") for name in NAIVE),
    ]


def check_agreement(contestants: Sequence[Contestant], tokens: Iterable[str]) -> None:
    """Ends the benchmark unless all show these readers the same posts: two pages of chronological ones alike to the
    field (but for where photos lie), and of a ranked one a full page."""
    with httpx.Client(timeout=30) as client:
        for token in tokens:
            pages = {each.name: _posts(client, each, token) for each in contestants}
            expected = pages[NAIVE[0]]
            for name, posts in pages.items():
                if name == RANKED:
                    if len(posts) != len(expected):
                        raise SystemExit(f"{name} has {len(posts)} posts where {NAIVE[0]} has {len(expected)}")
                elif posts != expected:
                    raise SystemExit(f"{name} and {NAIVE[0]} differ:\n{_difference(posts, expected)}")


def _posts(client: httpx.Client, contestant: Contestant, token: str) -> list[Mapping[str, Any]]:
    posts: list[Mapping[str, Any]] = []
    cursor = None
    for _ in range(_PAGES):
        url = contestant.url + contestant.path + (f"&cursor={cursor}" if cursor else "")
        page = client.get(url, headers={"Authorization": f"Bearer {token}"}).raise_for_status().json()
        posts += map(_comparable, page["items"])
        if (cursor := page["next_cursor"]) is None:
            break
    return posts


def _comparable(post: Mapping[str, Any]) -> Mapping[str, Any]:
    """Without the URLs of photos, and why it is suggested: nothing is in these feeds."""
    plain = {name: value for name, value in post.items() if name != "suggestion"}
    return {**plain, "photos": [{**photo, "variants": sorted(photo["variants"])} for photo in post["photos"]]}


def _difference(posts: Sequence[Mapping[str, Any]], expected: Sequence[Mapping[str, Any]]) -> str:
    if len(posts) != len(expected):
        return f"{len(posts)} posts and {len(expected)}"
    one, other = next((one, other) for one, other in zip(posts, expected, strict=True) if one != other)
    names = [name for name in one.keys() | other.keys() if one.get(name) != other.get(name)]
    return "\n".join(f"{name}: {one.get(name)!r}, {other.get(name)!r}" for name in sorted(names))
