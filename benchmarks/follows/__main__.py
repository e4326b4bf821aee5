"""``python -m benchmarks.follows``: see the package."""

from __future__ import annotations

import argparse
import asyncio
import os
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

import photomesh_local as local
from benchmarks.follows import report
from benchmarks.follows.sight import Reader, seconds_to_see
from benchmarks.load import Load, Request, send
from benchmarks.naive import server
from benchmarks.society.graph import synthetic, with_readers
from benchmarks.society.mesh import Mesh
from benchmarks.society.posts import Posts, World
from benchmarks.society.tokens import tokens
from benchmarks.upload.usage import processor_seconds, used_since
from photomesh_shared.ids import encode

_STACK = "test"
_PEOPLE, _MEAN_FOLLOWS, _POSTS = 2_000, 15, 2
_FOLLOWED_BEFORE = 200
_NEWEST = 10  # authors of the newest posts: followers of one see it on the first page


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks.follows", description=__doc__)
    parser.add_argument("--follows", type=int, default=10_000, help="calls of each kind (default: %(default)s)")
    parser.add_argument("--connections", type=int, default=32, help="at once (default: %(default)s)")
    parser.add_argument("--readers", type=int, default=200, help="who look at their feeds (default: %(default)s)")
    parser.add_argument("--quick", action="store_true", help="2,000 follows, 40 readers")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.follows, arguments.readers = 2_000, 40
    return arguments


def _say(what: str) -> None:
    print(f"… {what}", flush=True)


def _newest_authors(posts: Posts) -> list[int]:
    """Each once, the author of the newest post first."""
    return list(dict.fromkeys(posts.authors[::-1].tolist()))[:_NEWEST]


async def _calls(url: str, method: str, pairs: Sequence[tuple[str, str]], connections: int) -> Load:
    requests = [Request(method, f"/v1/users/{followee}/follow", token) for token, followee in pairs]
    return await asyncio.to_thread(send, url, requests, connections=connections)


async def _measure(arguments: argparse.Namespace) -> report.Results:
    load_before = os.getloadavg()[0]
    followed = synthetic(_PEOPLE, _MEAN_FOLLOWS)
    graph = with_readers(followed, (0, _FOLLOWED_BEFORE), arguments.readers)
    graph = replace(graph, people=graph.people + arguments.follows)  # the last ones only follow
    world, mesh = World(graph.people), Mesh(_STACK)
    posts = world.posts(_PEOPLE, _POSTS)
    popularity = followed.follower_counts() + 1.0
    drawn = np.random.default_rng(4).choice(_PEOPLE, arguments.follows, p=popularity / popularity.sum())
    followees = [encode("u", account) for account in world.accounts[drawn].tolist()]
    _say("tokens")
    held = await tokens(_STACK, world.accounts[_PEOPLE:].tolist())
    pairs = list(zip([*held.values()][-arguments.follows :], followees, strict=True))
    gateway = f"http://127.0.0.1:{local.Stack(_STACK).ports['GATEWAY']}"

    newest = _newest_authors(posts)

    def reader(url: str, person: int) -> Reader:
        already = world.accounts[graph.followed_by(person)]
        author = next(author for author in newest if author not in already)
        return Reader(url, held[int(world.accounts[person])], author)

    async with server.running(_STACK) as naive:
        try:
            _say("people and posts, for both")
            for stores in (naive, mesh):
                await stores.add_people(world, graph)
                await stores.add_posts(posts)
            await mesh.forget_feeds()
            calls: dict[str, dict[str, Load]] = {}
            for name, url in (("naive", naive.url), ("photomesh", gateway)):
                calls[name], used = {}, processor_seconds(_STACK)
                for what, method in (("follow", "PUT"), ("unfollow", "DELETE")):
                    _say(f"{arguments.follows:,} × {what}: {name}")
                    calls[name][what] = await _calls(url, method, pairs, arguments.connections)
                cpu = used_since(used, processor_seconds(_STACK))
            seen = {}
            for follow, readers in graph.readers.items():
                for name, url in (("naive", naive.url), ("photomesh", gateway)):
                    _say(f"what {arguments.readers} who follow {follow} see: {name}")
                    seen[name, follow] = await seconds_to_see([reader(url, person) for person in readers])
        finally:
            await mesh.remove_people()
    return report.Results(arguments.connections, load_before, calls, seen, cpu)


def main() -> None:
    arguments = _arguments()
    _say(f"bringing up the {_STACK} stack")
    local.up(_STACK)
    results = asyncio.run(_measure(arguments))
    print(report.write(results, "make bench-follows" + (' ARGS="--quick"' if arguments.quick else "")))


if __name__ == "__main__":
    main()
