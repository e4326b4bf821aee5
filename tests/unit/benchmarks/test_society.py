"""The society that benchmarks measure with."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from benchmarks.society.graph import Graph, from_file, synthetic, with_readers
from benchmarks.society.posts import MACHINE, MACHINE_MASK, World, photo_of
from photomesh_shared.ids import timestamp_of


def _pairs(graph: Graph) -> list[tuple[int, int]]:
    return list(zip(graph.followers.tolist(), graph.followees.tolist(), strict=True))


def test_in_a_file_each_line_is_two_people_who_follow_each_other(tmp_path: Path) -> None:
    file = tmp_path / "friends.csv.gz"
    file.write_bytes(gzip.compress(b"id_1,id_2\n0,1\n2,0\n1,0\n"))
    graph = from_file(file)
    assert graph.people == 3
    assert sorted(_pairs(graph)) == [(0, 1), (0, 2), (1, 0), (2, 0)]


def test_a_synthetic_graph_has_a_long_tail_and_nobody_twice() -> None:
    graph = synthetic(2_000, 10)
    pairs = _pairs(graph)
    assert len(set(pairs)) == len(pairs)
    assert all(follower != followee for follower, followee in pairs)
    counts = np.sort(graph.follower_counts())
    assert counts[-1] > 20 * np.median(counts)


def test_readers_follow_exactly_as_many_as_they_should() -> None:
    graph = with_readers(synthetic(500, 5), (0, 10, 200), each=3)
    assert graph.people == 509
    for follows, readers in graph.readers.items():
        for reader in readers:
            assert len(set(graph.followed_by(reader).tolist())) == len(graph.followed_by(reader)) == follows
    assert graph.followees.max() < 500


def test_ids_are_those_of_people_and_posts_of_the_last_weeks() -> None:
    world = World(50)
    posts, more = world.posts(40, 25), world.posts(40, 25_000)
    now = datetime.now(UTC)
    assert len({*posts.ids.tolist(), *more.ids.tolist(), *world.accounts.tolist()}) == 40 * 25_025 + 50
    assert posts.ids.tolist() == sorted(posts.ids.tolist())
    assert {account & MACHINE_MASK for account in world.accounts.tolist()} == {MACHINE}
    for post_id, author_id in posts:
        assert author_id in world.accounts[:40]
        assert now - timedelta(days=31) < timestamp_of(photo_of(post_id)) < timestamp_of(post_id) < now
