"""``python -m benchmarks.writes``: see the package."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import photomesh_local as local
from benchmarks.load import Request, send
from benchmarks.naive import server
from benchmarks.society.graph import strangers
from benchmarks.society.mesh import Mesh
from benchmarks.society.posts import World
from benchmarks.society.tokens import tokens
from benchmarks.upload.usage import processor_seconds, used_since
from benchmarks.writes import report
from photomesh_shared.ids import encode

_STACK = "test"
_REST_SECONDS = 10.0
_SETTLED = 0.35  # of a core, on top of what the stack uses at rest: nothing is behind any more
_LOOK_SECONDS = 2.0
_PATIENCE_SECONDS = 120.0
_POSTS = 1_000

Usage = dict[str, float]


@dataclass(frozen=True)
class Path:
    """One kind of write: the request that the n-th person sends."""

    name: str
    request: Callable[[int, str], Request]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks.writes", description=__doc__)
    parser.add_argument("--writes", type=int, default=20_000, help="of each kind (default: %(default)s)")
    parser.add_argument("--connections", type=int, default=64, help="at once (default: %(default)s)")
    parser.add_argument("--only", default="", help="kinds, with commas between; all by default")
    parser.add_argument("--quick", action="store_true", help="2,000 of each kind")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.writes = 2_000
    return arguments


def _say(what: str) -> None:
    print(f"… {what}", flush=True)


async def _rest(seconds: float) -> Usage:
    """What each program uses per second while nothing is sent."""
    before, started = processor_seconds(_STACK), time.perf_counter()
    await asyncio.sleep(seconds)
    used, took = used_since(before, processor_seconds(_STACK)), time.perf_counter() - started
    return {program: cpu / took for program, cpu in used.items()}


async def _settled(rest: Usage) -> None:
    """Until consumers are done with what was sent: the stack uses little more than at rest."""
    async with asyncio.timeout(_PATIENCE_SECONDS):
        while sum((await _rest(_LOOK_SECONDS)).values()) > sum(rest.values()) + _SETTLED:
            pass


async def _measured(path: Path, url: str, held: Sequence[str], connections: int, rest: Usage) -> report.Measured:
    """Sends one write for each person, and waits until all programs are done with it. What they use at rest in that
    time is taken off."""
    requests = [path.request(number, token) for number, token in enumerate(held)]
    before, started = processor_seconds(_STACK), time.perf_counter()
    load = await asyncio.to_thread(send, url, requests, connections=connections)
    await _settled(rest)
    took = time.perf_counter() - started
    used = used_since(before, processor_seconds(_STACK))
    return report.Measured(load, {name: cpu - rest.get(name, 0.0) * took for name, cpu in used.items()})


def _paths(posts: Sequence[str], authors: Sequence[str]) -> list[Path]:
    hot = posts[-1]

    def many(number: int) -> str:
        return posts[number % (len(posts) - 1)]

    def author(number: int) -> str:
        return authors[number % len(authors)]

    return [
        Path("like, one post", lambda _, token: Request("PUT", f"/v1/posts/{hot}/like", token)),
        Path("unlike, one post", lambda _, token: Request("DELETE", f"/v1/posts/{hot}/like", token)),
        Path("like, many posts", lambda n, token: Request("PUT", f"/v1/posts/{many(n)}/like", token)),
        Path("save", lambda n, token: Request("PUT", f"/v1/posts/{many(n)}/save", token)),
        Path(
            "comment",
            lambda n, token: Request(
                "POST", f"/v1/posts/{many(n)}/comments", token, json.dumps({"text": f"What a light, {n}!"})
            ),
        ),
        Path("follow", lambda n, token: Request("PUT", f"/v1/users/{author(n)}/follow", token)),
        Path("unfollow", lambda n, token: Request("DELETE", f"/v1/users/{author(n)}/follow", token)),
        Path("read a warm feed", lambda _, token: Request("GET", "/v1/feed", token)),
    ]


async def _measure(arguments: argparse.Namespace) -> report.Results:
    load_before = os.getloadavg()[0]
    warm_up = max(200, arguments.writes // 10)
    people = arguments.writes + warm_up
    graph, world, mesh = strangers(people + _POSTS), World(people + _POSTS), Mesh(_STACK)
    posts = world.posts(_POSTS, 1)
    accounts = world.accounts.tolist()
    _say(f"{people:,} tokens")
    held = list((await tokens(_STACK, accounts[_POSTS:])).values())
    paths = _paths([encode("o", post) for post, _ in posts], [encode("u", account) for account in accounts[:_POSTS]])
    only = [name for name in arguments.only.split(",") if name]
    gateway = f"http://127.0.0.1:{local.Stack(_STACK).ports['GATEWAY']}"
    measured: dict[str, report.Measured] = {}
    async with server.running(_STACK) as naive:
        try:
            for stores in (naive, mesh):
                await stores.add_people(world, graph)
                await stores.add_posts(posts)
            _say(f"{_REST_SECONDS:.0f} seconds of rest")
            await asyncio.sleep(_LOOK_SECONDS)
            rest = await _rest(_REST_SECONDS)
            like = paths[0]
            _say(f"{arguments.writes:,} × {like.name}: naive")
            requests = [like.request(number, token) for number, token in enumerate(held)]
            await asyncio.to_thread(send, naive.url, requests[:warm_up], connections=arguments.connections)
            cpu = await naive.cpu_seconds()
            naive_load = await asyncio.to_thread(send, naive.url, requests[warm_up:], connections=arguments.connections)
            naive_cpu = await naive.cpu_seconds() - cpu
            for path in paths:
                if only and path.name.partition(",")[0] not in only and path.name not in only:
                    continue
                _say(f"{arguments.writes:,} × {path.name}")
                await _measured(path, gateway, held[:warm_up], arguments.connections, rest)
                measured[path.name] = await _measured(path, gateway, held[warm_up:], arguments.connections, rest)
        finally:
            await mesh.remove_people()
    return report.Results(
        connections=arguments.connections,
        load_before=load_before,
        rest=rest,
        naive_rate=naive_load.rate,
        naive_cpu=naive_cpu / naive_load.requests,
        measured=measured,
    )


def main() -> None:
    arguments = _arguments()
    _say(f"bringing up the {_STACK} stack")
    local.up(_STACK)
    results = asyncio.run(_measure(arguments))
    print(report.write(results, "make bench-writes" + (' ARGS="--quick"' if arguments.quick else "")))


if __name__ == "__main__":
    main()
