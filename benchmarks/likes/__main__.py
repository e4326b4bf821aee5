"""``python -m benchmarks.likes``: see the package."""

from __future__ import annotations

import argparse
import asyncio
import os
import time
from dataclasses import dataclass

import aiohttp

import photomesh_local as local
from benchmarks.likes import report
from benchmarks.load import Load, Request, send
from benchmarks.naive import server
from benchmarks.society.graph import strangers
from benchmarks.society.mesh import Mesh
from benchmarks.society.posts import World
from benchmarks.society.tokens import tokens
from benchmarks.upload.usage import processor_seconds, used_since
from photomesh_shared.ids import encode

_STACK = "test"
_WARM_UP = 1_000
_PATIENCE_SECONDS = 300.0
_POLL_SECONDS = 0.01


@dataclass(frozen=True)
class Target:
    """Where one design listens."""

    url: str
    token: str

    async def likes_of(self, post: str) -> int:
        headers = {"Authorization": f"Bearer {self.token}"}
        async with aiohttp.ClientSession(self.url, raise_for_status=True) as http:
            async with http.get(f"/v1/posts/{post}", headers=headers) as response:
                count: int = (await response.json())["like_count"]
                return count


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks.likes", description=__doc__)
    parser.add_argument("--likes", type=int, default=50_000, help="each from another person (default: %(default)s)")
    parser.add_argument("--connections", type=int, default=64, help="at once (default: %(default)s)")
    parser.add_argument("--quick", action="store_true", help="5,000 likes")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.likes = 5_000
    return arguments


def _say(what: str) -> None:
    print(f"… {what}", flush=True)


async def _burst(target: Target, post: str, held: list[str], connections: int) -> tuple[Load, float]:
    """The calls, and how long after the last answer a reader sees all of them counted."""
    requests = [Request("PUT", f"/v1/posts/{post}/like", token) for token in held]
    load = await asyncio.to_thread(send, target.url, requests, connections=connections)
    answered = time.perf_counter()
    async with asyncio.timeout(_PATIENCE_SECONDS):
        while (count := await target.likes_of(post)) != len(held):
            if count > len(held):
                raise SystemExit(f"{len(held)} likes were counted as {count}")
            await asyncio.sleep(_POLL_SECONDS)
    return load, time.perf_counter() - answered


async def _measure(arguments: argparse.Namespace) -> report.Results:
    load_before = os.getloadavg()[0]
    graph = strangers(arguments.likes + _WARM_UP)
    world, author = World(graph.people), strangers(1)
    mesh = Mesh(_STACK)
    posts = world.posts(1, 2)
    warm_post, post = (encode("o", post_id) for post_id, _ in posts)
    _say(f"{graph.people:,} tokens")
    held = list((await tokens(_STACK, world.accounts.tolist())).values())
    warm_held, held = held[:_WARM_UP], held[_WARM_UP:]
    async with server.running(_STACK) as naive:
        try:
            for stores in (naive, mesh):
                await stores.add_people(world, author)
                await stores.add_posts(posts)
            ours = Target(f"http://127.0.0.1:{local.Stack(_STACK).ports['GATEWAY']}", held[0])
            theirs = Target(naive.url, held[0])
            for target in (theirs, ours):
                await _burst(target, warm_post, warm_held, arguments.connections)
            _say(f"{len(held):,} likes of one post on the naive server")
            cpu = await naive.cpu_seconds()
            naive_load, naive_exact = await _burst(theirs, post, held, arguments.connections)
            naive_cpu = await naive.cpu_seconds() - cpu
            _say(f"{len(held):,} likes of one post on ours")
            used = processor_seconds(_STACK)
            load, exact = await _burst(ours, post, held, arguments.connections)
            cpu_by_program = used_since(used, processor_seconds(_STACK))
        finally:
            await mesh.remove_people()
    return report.Results(
        connections=arguments.connections,
        load_before=load_before,
        ours=report.Burst(load, exact, sum(cpu_by_program.values())),
        naive=report.Burst(naive_load, naive_exact, naive_cpu),
        cpu_by_program=cpu_by_program,
    )


def main() -> None:
    arguments = _arguments()
    _say(f"bringing up the {_STACK} stack")
    local.up(_STACK)
    results = asyncio.run(_measure(arguments))
    print(report.write(results, "make bench-likes" + (' ARGS="--quick"' if arguments.quick else "")))


if __name__ == "__main__":
    main()
