"""Ids of people, and their posts: one photo each, over the last thirty days."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from photomesh_shared.ids import EPOCH

__all__ = ["MACHINE", "MACHINE_MASK", "Posts", "World", "caption_of", "display_name_of", "photo_of", "username_of"]

_MACHINE_BITS, _SEQUENCE_BITS = 14, 8
_WORKER = (1 << 10 | 1023) << _SEQUENCE_BITS  # region 1, and a worker number that leases do not reach
_CALL = (1 << _SEQUENCE_BITS) // 4  # sequence numbers of a millisecond that each call of `World.posts` has
_DAY_MS = 86_400_000
_DAYS = 30
MACHINE, MACHINE_MASK = _WORKER, (1 << _MACHINE_BITS + _SEQUENCE_BITS) - 1
"""What the lower bits of every account here are; nobody else's are."""

Ids = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Posts:
    """Oldest first; `authors` are account ids."""

    ids: Ids
    authors: Ids

    def __len__(self) -> int:
        return len(self.ids)

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return zip(self.ids.tolist(), self.authors.tolist(), strict=True)


class World:
    """Ids of so many people, and of posts that they make; no other run has the same."""

    def __init__(self, people: int) -> None:
        self._now_ms = time.time_ns() // 1_000_000 - int(EPOCH.timestamp() * 1000)
        self._random = np.random.default_rng(3)
        self._calls = 0
        first_ms = self._now_ms - 2 * _DAYS * _DAY_MS
        self.accounts: Ids = first_ms + np.arange(people) << _MACHINE_BITS + _SEQUENCE_BITS | _WORKER

    def posts(self, authors: int, each: int) -> Posts:
        """So many posts by each of the first accounts, at random times; up to four calls give different ids."""
        by = np.repeat(self.accounts[:authors], each)
        made = np.sort(self._random.integers(self._now_ms - _DAYS * _DAY_MS, self._now_ms - 60_000, len(by)))
        self._random.shuffle(by)
        first = np.searchsorted(made, made)  # where the posts of this millisecond begin
        sequence = np.arange(len(made)) - first + _CALL * self._calls
        self._calls += 1
        return Posts(made << _MACHINE_BITS + _SEQUENCE_BITS | _WORKER | sequence, by)


def username_of(account_id: int) -> str:
    return f"bench{account_id}"


def display_name_of(account_id: int) -> str:
    return f"Person {account_id % 9973}"


def photo_of(post_id: int) -> int:
    """The id of a post's photo, which is older by a second."""
    return post_id - (1000 << _MACHINE_BITS + _SEQUENCE_BITS)


def caption_of(post_id: int) -> str:
    return f"Evening number {post_id % 9973} by the lake, before the rain came #sunset #lake"
