"""``python -m benchmarks.feed``: see the package."""

from __future__ import annotations

import argparse
import asyncio
import os
from itertools import islice
from pathlib import Path

import photomesh_local as local
from benchmarks.feed import report
from benchmarks.feed.contestants import check_agreement, contestants
from benchmarks.feed.measure import Measurement, Plan
from benchmarks.naive import server
from benchmarks.society.graph import Graph, from_file, synthetic, with_readers
from benchmarks.society.mesh import Mesh
from benchmarks.society.posts import World
from benchmarks.society.tokens import tokens

_STACK = "test"
_FOLLOWS = (10, 200, 1_000)
_MEAN_FOLLOWS = 15
_TIMES = 10
_WEIGHED = 100  # readers of each kind whose feeds' memory is looked at
_COMPARED = 3  # readers of each kind whose pages are compared


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks.feed", description=__doc__)
    parser.add_argument("--graph", default="", help="a file of who follows whom (default: one is made up)")
    parser.add_argument("--people", type=int, default=37_700, help="in a synthetic graph (default: %(default)s)")
    parser.add_argument("--posts", type=int, default=2, help="of each person, and ten times it (default: %(default)s)")
    parser.add_argument("--readers", type=int, default=1_000, help="of each kind, in turn (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="of all contestants in turn (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=4, help="for each in a round (default: %(default)s)")
    parser.add_argument("--connections", type=int, default=16, help="at once (default: %(default)s)")
    parser.add_argument("--rate", type=float, default=200, help="fixed rate, reads a second (default: %(default)s)")
    parser.add_argument("--quick", action="store_true", help="100 readers of each kind, few and short rounds, no ×10")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.readers, arguments.rounds, arguments.seconds = 100, 2, 2
    return arguments


def _say(what: str) -> None:
    print(f"… {what}", flush=True)


def _graph(arguments: argparse.Namespace) -> Graph:
    if arguments.graph:
        return from_file(Path(arguments.graph))
    return synthetic(arguments.people, _MEAN_FOLLOWS)


async def _measure(arguments: argparse.Namespace) -> report.Results:
    load_before = os.getloadavg()[0]
    graph = _graph(arguments)
    authors = graph.people
    graph = with_readers(graph, _FOLLOWS, arguments.readers)
    world, mesh = World(graph.people), Mesh(_STACK)
    held = {
        follows: await tokens(_STACK, world.accounts[list(readers)].tolist())
        for follows, readers in graph.readers.items()
    }
    plan = Plan(
        stack=_STACK,
        rounds=arguments.rounds,
        seconds=arguments.seconds,
        connections=arguments.connections,
        rate=arguments.rate,
        rate_seconds=arguments.rounds * arguments.seconds,
        cold_reads=5 if arguments.quick else 20,
    )
    gateway = f"http://127.0.0.1:{local.Stack(_STACK).ports['GATEWAY']}"
    scales = []
    async with server.running(_STACK) as naive:
        try:
            _say(f"{graph.people:,} people and {len(graph):,} follows ({graph.name}), for both")
            for stores in (naive, mesh):
                await stores.add_people(world, graph)
            posts_in_all = 0
            for times in (1,) if arguments.quick else (1, _TIMES):
                posts = world.posts(authors, arguments.posts * times - posts_in_all // authors)
                posts_in_all += len(posts)
                _say(f"{len(posts):,} posts more, for both")
                for stores in (naive, mesh):
                    await stores.add_posts(posts)
                await mesh.forget_feeds()
                asked = contestants(gateway, naive.url)
                check_agreement(asked, [token for each in held.values() for token in islice(each.values(), _COMPARED)])
                scale = await Measurement(plan, asked, held, naive, mesh, _say).run(posts_in_all)
                for follows, readers in graph.readers.items():
                    some = world.accounts[list(readers)[:_WEIGHED]].tolist()
                    scale.entry_bytes[follows] = await mesh.bytes_of_entries(some)
                scales.append(scale)
        finally:
            _say("tidying up")
            await mesh.remove_people()
    return report.Results(graph.name, graph.people, len(graph), arguments.readers, load_before, plan, scales)


def main() -> None:
    arguments = _arguments()
    _say(f"bringing up the {_STACK} stack")
    local.up(_STACK)
    results = asyncio.run(_measure(arguments))
    graph = f" GRAPH={arguments.graph}" if arguments.graph else ""
    print(report.write(results, f"make bench-feed{graph}" + (' ARGS="--quick"' if arguments.quick else "")))


if __name__ == "__main__":
    main()
