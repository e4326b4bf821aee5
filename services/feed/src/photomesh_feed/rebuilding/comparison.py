"""Compares what Redis holds with the latest state of each thing in the topics.

What Redis does not hold is no difference: it is loaded when it is needed. Nor is what the rules of reading hide: posts
of authors who are not followed any more, and deleted posts in lists. Affinities and ranked orders are not compared:
they depend on when Redis began to know.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from photomesh_feed.domain.holdings import HeldAccount, HeldPost, HeldReader, HeldStates, HeldTimeline, Holdings
from photomesh_feed.domain.order import MS_BITS, feed_order
from photomesh_feed.rebuilding.replay import Replay, States
from photomesh_shared.ids import timestamp_of

__all__ = ["Difference", "compare"]

_TIMES = ("created_at", "edited_at", "published_at")
_SKEW_MS = 60_000
"""Clocks may differ: see `store/lua/read/hydration.lua`."""


@dataclass(frozen=True)
class Difference:
    key: str
    """The key in Redis."""
    what: str

    def __str__(self) -> str:
        return f"{self.key}: {self.what}"


def compare(held: Holdings, replay: Replay, *, since: datetime | None = None) -> tuple[int, list[Difference]]:
    """Return the number of keys compared, and the differences. `since`: only events since then were replayed, so only
    accounts and posts that were created since then are compared."""

    def is_newer(id_: int) -> bool:
        return since is None or timestamp_of(id_) >= since

    by_author: defaultdict[int, list[int]] = defaultdict(list)
    for post_id, author_id in replay.authors.existing():
        if is_newer(post_id):
            by_author[author_id].append(post_id)
    truth = _Truth(replay, by_author, is_newer)
    compared = 0
    found: list[Difference] = []
    for account_id, reader in held.readers.items():
        if is_newer(account_id):
            compared += 1
            found += _of_reader(account_id, reader, truth, held.pulled)
    for author_id, timeline in held.timelines.items():
        if is_newer(author_id):
            compared += 1
            found += _of_timeline(author_id, timeline, by_author[author_id])
    for post_id, post in held.posts.items():
        if is_newer(post_id):
            compared += 1
            found += (Difference(f"p:{post_id}", what) for what in _of_post(post_id, post, replay))
    for account_id, account in held.accounts.items():
        if is_newer(account_id):
            compared += 1
            found += (Difference(f"u:{account_id}", what) for what in _of_account(account_id, account, replay))
    return compared, found


class _Truth:
    """What the topics say, by reader and by author."""

    def __init__(self, replay: Replay, posts: Mapping[int, list[int]], is_newer: Callable[[int], bool]) -> None:
        self.replay = replay
        self.posts = posts
        """By author."""
        self.is_newer = is_newer
        self.following, self.muted = _by_account(replay.follows), _by_account(replay.mutes)
        self.liked, self.saved = _by_account(replay.likes), _by_account(replay.saves)
        self.comments = _by_account(replay.comments)


def _by_account(states: States[tuple[int, int], bool]) -> Mapping[int, Set[int]]:
    found: defaultdict[int, set[int]] = defaultdict(set)
    for (account_id, other_id), _ in states.existing():
        found[account_id].add(other_id)
    return found


def _of_reader(account_id: int, reader: HeldReader, truth: _Truth, pulled: Set[int]) -> Iterator[Difference]:
    if truth.replay.accounts.get(account_id) is None:
        yield Difference(f"f:{account_id}", "the account has ended")
        return
    yield from _sets(f"fo:{account_id}", truth.following[account_id], reader.following)
    yield from _sets(f"mu:{account_id}", truth.muted[account_id], reader.muted)
    visible = reader.following - reader.muted - pulled
    posts = [post for author in visible for post in truth.posts.get(author, ())]
    yield from _list(f"f:{account_id}", posts, reader.posts, is_whole=reader.is_whole)
    if reader.likes is not None:
        yield from _states(f"li:{account_id}", truth.liked[account_id], reader.likes, truth)
        first = reader.likes.since_ms + _SKEW_MS
        for comment in truth.comments[account_id]:
            if not reader.likes.comments.get(comment, (comment >> MS_BITS) <= first):
                yield Difference(f"li:{account_id}", f"lacks the comment {comment}")
    if reader.saves is not None:
        yield from _states(f"sa:{account_id}", truth.saved[account_id], reader.saves, truth)


def _of_timeline(author_id: int, timeline: HeldTimeline, posts: list[int]) -> Iterator[Difference]:
    yield from _list(f"t:{author_id}", posts, timeline.posts, is_whole=timeline.is_whole)


def _of_account(account_id: int, account: HeldAccount, replay: Replay) -> Iterator[str]:
    truth = replay.accounts.get(account_id)
    if truth is None or account.erased:
        if truth is not None or account.fields.keys() - {"hidden"}:
            yield "the account has ended in one of them alone"
    elif names := sorted(name for name, value in account.fields.items() if truth.get(name) != value):
        yield f"{', '.join(names)} differ"


def _of_post(post_id: int, post: HeldPost, replay: Replay) -> Iterator[str]:
    truth = replay.snapshots.get(post_id)
    if post.deleted:
        if truth is not None:
            yield "deleted in Redis alone"
        return
    if post.static is None:
        return  # counts without a snapshot are not shown
    if truth is None:
        yield "not published, or deleted"
        return
    if post.author_id != truth.author_id:
        yield "author differs"
    ours, theirs = _canonical(truth.static), _canonical(post.static)
    if names := sorted(name for name in ours.keys() | theirs.keys() if ours.get(name) != theirs.get(name)):
        yield f"{', '.join(names)} differ"
    if post.version > truth.version:
        yield "newer than the topic"
    if (post.likes, post.comments) != (replay.counts.get(post_id) or (0, 0)):
        yield "counts differ"


def _list(key: str, expected: list[int], held: Sequence[int], *, is_whole: bool) -> Iterator[Difference]:
    """A list has no gaps from its first post down to its last one. It may have more than is shown."""
    if list(held) != sorted(held, key=feed_order):
        yield Difference(key, "out of order")
    floor = None if is_whole else feed_order(held[-1]) if held else None
    if missing := sorted({p for p in expected if floor is None or feed_order(p) <= floor} - set(held), key=feed_order):
        yield Difference(key, f"lacks {len(missing)} posts, first {missing[0]}")


def _sets(key: str, expected: Set[int], held: Set[int]) -> Iterator[Difference]:
    for what, others in (("lacks", expected - held), ("has too much:", held - expected)):
        if others:
            yield Difference(
                key, f"{what} {', '.join(map(str, sorted(others)[:3]))}" + (" …" if len(others) > 3 else "")
            )


def _states(key: str, expected: Set[int], held: HeldStates, truth: _Truth) -> Iterator[Difference]:
    """States of posts that have ended may stay: nobody is shown them."""
    for post, active in held.active.items():
        if active != (post in expected) and truth.is_newer(post) and truth.replay.authors.get(post) is not None:
            yield Difference(key, f"{post} {'is' if active else 'is not'} active in Redis alone")
    for post in expected - held.active.keys():
        if truth.is_newer(post) and (post >> MS_BITS) > held.since_ms + _SKEW_MS:
            yield Difference(key, f"lacks {post}")


def _canonical(static: str | bytes) -> dict[str, Any]:
    """Return a snapshot with times as tables keep them, in milliseconds."""
    post: dict[str, Any] = json.loads(static)
    for name in _TIMES:
        if post[name] is not None:
            post[name] = int(datetime.fromisoformat(post[name]).timestamp() * 1000)
    return post
