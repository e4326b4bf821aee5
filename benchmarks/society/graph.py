"""Who follows whom. People are numbered from 0; the last ones are readers, whom nobody follows."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

__all__ = ["Graph", "from_file", "strangers", "synthetic", "with_readers"]

Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Graph:
    """`followers[i]` follows `followees[i]`; each pair is there once. `readers` are by how many they follow."""

    name: str
    people: int
    followers: Numbers
    followees: Numbers
    readers: Mapping[int, range]

    def __len__(self) -> int:
        return len(self.followers)

    def followed_by(self, person: int) -> Numbers:
        """Whom somebody follows."""
        followed: Numbers = self.followees[self.followers == person]
        return followed

    def follower_counts(self) -> Numbers:
        return np.bincount(self.followees, minlength=self.people)

    def following_counts(self) -> Numbers:
        return np.bincount(self.followers, minlength=self.people)


def strangers(people: int) -> Graph:
    """People who follow nobody."""
    nobody = np.empty(0, np.int64)
    return Graph("strangers", people, nobody, nobody, {})


def from_file(path: Path) -> Graph:
    """A list of friendships as CSV with a head line, plain or gzipped: in each, both follow each other."""
    raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    lines = csv.reader(io.StringIO(raw.decode()))
    next(lines)
    one, other = np.array([(int(a), int(b)) for a, b in lines], dtype=np.int64).T
    followers, followees = _unique(np.concatenate([one, other]), np.concatenate([other, one]))
    return Graph(path.name, int(followers.max()) + 1, followers, followees, {})


def synthetic(people: int, mean_follows: float, seed: int = 1) -> Graph:
    """How many one follows is log-normal; whom, by a power law: the k-th most followed has weight k^-0.8."""
    random = np.random.default_rng(seed)
    follows = random.lognormal(0, 1.2, people)
    follows = np.minimum(np.round(follows * mean_follows / follows.mean()), people // 10).astype(np.int64)
    followers = np.repeat(np.arange(people), follows)
    popularity = np.arange(1, people + 1) ** -0.8
    followees = _drawn(random, np.cumsum(popularity), len(followers))
    followers, followees = _unique(followers, followees)
    return Graph(f"synthetic graph of {people:,} people", people, followers, followees, {})


def with_readers(graph: Graph, follows: Sequence[int], each: int, seed: int = 2) -> Graph:
    """Adds so many readers for each number of people to follow; whom they follow is as likely as he is popular."""
    random = np.random.default_rng(seed)
    weights = graph.follower_counts() + 1.0
    followers, followees = [graph.followers], [graph.followees]
    table = np.cumsum(weights)
    readers, people = {}, graph.people
    for count in follows:
        readers[count] = range(people, people + each)
        for reader in readers[count]:
            followers.append(np.full(count, reader))
            followees.append(_distinct(random, table, count))
        people += each
    return Graph(graph.name, people, np.concatenate(followers), np.concatenate(followees), readers)


def _drawn(random: np.random.Generator, table: npt.NDArray[np.float64], count: int) -> Numbers:
    """So many people, with replacement, by running totals of their weights."""
    drawn: Numbers = np.searchsorted(table, random.random(count) * table[-1], side="right")
    return drawn


def _distinct(random: np.random.Generator, table: npt.NDArray[np.float64], count: int) -> Numbers:
    drawn = np.empty(0, np.int64)
    while len(drawn) < count:
        drawn = np.concatenate([drawn, _drawn(random, table, 2 * count)])
        drawn = drawn[np.sort(np.unique(drawn, return_index=True)[1])]  # each where it came first
    return drawn[:count]


def _unique(followers: Numbers, followees: Numbers) -> tuple[Numbers, Numbers]:
    """Each pair once, and nobody follows themselves."""
    others = followers != followees
    people = int(max(followers.max(), followees.max())) + 1
    pairs = np.unique(followers[others] * people + followees[others])
    return pairs // people, pairs % people
