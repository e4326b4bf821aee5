"""``python -m benchmarks.search``: see the package."""

from __future__ import annotations

import argparse
import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from itertools import chain
from urllib.parse import quote

import photomesh_local as local
from benchmarks.load import Load, Request, send
from benchmarks.search import naive, report
from benchmarks.search.cities import KnownItem, cities, known_items, typed_letter_by_letter
from benchmarks.search.freshness import seconds_until_found
from benchmarks.search.indexing import index_accounts, index_posts
from benchmarks.search.stage import STACK, Stage, open_stage
from benchmarks.upload.usage import processor_seconds, used_since
from photomesh_search.indexing.store import IndexWriter
from photomesh_search.searching.domain import prefixes
from photomesh_search.searching.store import IndexReader
from photomesh_search.texts.domain import fold

_PLACES = 10
_WARM_UP_SECONDS = 10.0
_CONNECTIONS = 64

Search = Callable[[str], Awaitable[list[int]]]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks.search", description=__doc__)
    parser.add_argument("--cities", type=int, choices=[1_000, 5_000, 15_000], default=5_000, help="of so many people")
    parser.add_argument("--items", type=int, default=2_000, help="known items of each kind (default: %(default)s)")
    parser.add_argument("--viewers", type=int, default=500, help="who type (default: %(default)s)")
    parser.add_argument("--rate", type=float, default=200, help="suggestions a second (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=30, help="of suggestions (default: %(default)s)")
    parser.add_argument("--posts", type=int, default=20_000, help="that are indexed (default: %(default)s)")
    parser.add_argument("--fresh", type=int, default=50, help="posts that are published (default: %(default)s)")
    parser.add_argument("--quick", action="store_true", help="less of everything, and at a tenth of the rate")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.cities, arguments.items, arguments.viewers, arguments.rate = 15_000, 200, 50, 20.0
        arguments.seconds, arguments.posts, arguments.fresh = 10.0, 2_000, 5
    return arguments


def _say(what: str) -> None:
    print(f"… {what}", flush=True)


async def _quality(items: Mapping[str, Sequence[KnownItem]], search: Search) -> report.Quality:
    """Mean reciprocal rank of what was meant, by kind, and what a search of all kinds takes of the processor."""
    ranks: dict[str, float] = {}
    for item in next(iter(items.values()))[:50]:
        await search(item.text)  # as a server that has been up for a while
    before, began = processor_seconds(STACK), time.perf_counter()
    for kind, of_kind in items.items():
        found = [(item.number, (await search(item.text))[:_PLACES]) for item in of_kind]
        ranks[kind] = sum(1 / (1 + listed.index(meant)) for meant, listed in found if meant in listed) / len(found)
    seconds = time.perf_counter() - began
    used, count = used_since(before, processor_seconds(STACK)), sum(map(len, items.values()))
    servers = used["opensearch"] + used["postgres"]
    return report.Quality(ranks, servers / count, used["clients"] / count, seconds / count)


async def _known_items(stage: Stage, count: int) -> dict[str, report.Quality]:
    items = known_items(stage.cities, count)
    reader = IndexReader(stage.client, stage.indices)
    numbers = {account_id: number for number, account_id in enumerate(stage.account_ids)}

    async def ours(text: str) -> list[int]:
        hits = await reader.accounts(prefixes(text), exact=fold(text), followed=(), near=(), after=None, size=_PLACES)
        return [numbers[hit.id] for hit in hits]

    async with naive.running(STACK, stage.cities) as postgres:
        _say(f"{count:,} known items of each kind: search, LIKE, trigrams")
        return {
            "search": await _quality(items, ours),
            "LIKE": await _quality(items, postgres.like),
            "trigrams": await _quality(items, postgres.alike),
        }


def _suggestions(stage: Stage, people: int, seed: int) -> list[Request]:
    """What people type, a letter at a time; each is another one than the last."""
    typed = typed_letter_by_letter(stage.cities, people, seed)
    by_person = (
        [
            Request("GET", f"/v1/search/suggest?q={quote(text)}", stage.tokens[person % len(stage.tokens)])
            for text in texts
        ]
        for person, texts in enumerate(typed)
    )
    return list(chain.from_iterable(zip(*by_person, strict=True)))


async def _suggested(stage: Stage, rate: float, seconds: float) -> tuple[Load, dict[str, float]]:
    _say(f"{rate:g} suggestions a second for {seconds:g} s")
    people = max(1, int(rate * seconds / 6))
    warm_up = _suggestions(stage, people, 11)
    await asyncio.to_thread(
        send, stage.gateway, warm_up, connections=_CONNECTIONS, seconds=_WARM_UP_SECONDS, rate=rate / 2
    )
    measured = _suggestions(stage, people, 12)
    before = processor_seconds(STACK)
    load = await asyncio.to_thread(send, stage.gateway, measured, connections=_CONNECTIONS, seconds=seconds, rate=rate)
    return load, used_since(before, processor_seconds(STACK))


async def _measure(arguments: argparse.Namespace) -> report.Results:
    load_before = os.getloadavg()[0]
    of = cities(arguments.cities)
    _say(f"{len(of):,} cities as accounts")
    async with open_stage(of, viewers=arguments.viewers, posts=arguments.posts) as stage:
        index = IndexWriter(stage.client, stage.indices)
        _say("indexing accounts and their followers, and posts")
        before = processor_seconds(STACK)
        accounts = await index_accounts(index, of, stage.account_ids)
        posts = await index_posts(index, stage.post_ids, stage.authors, of)
        indexing = used_since(before, processor_seconds(STACK))
        await stage.client.indices.refresh(index=stage.indices["accounts"])
        known = await _known_items(stage, arguments.items)
        load, cpu = await _suggested(stage, arguments.rate, arguments.seconds)
        gateway = stage.gateway
    _say(f"{arguments.fresh} posts, until they are found")
    fresh = await seconds_until_found(gateway, arguments.fresh)
    return report.Results(
        load_before=load_before,
        cities=len(of),
        at_least=arguments.cities,
        items=arguments.items,
        known=known,
        rate=arguments.rate,
        suggestions=load,
        suggestion_cpu={program: seconds / load.requests for program, seconds in cpu.items()},
        accounts_per_second=accounts,
        posts=len(stage.post_ids),
        posts_per_second=posts,
        indexing_cpu=indexing,
        fresh=fresh,
    )


def main() -> None:
    arguments = _arguments()
    _say(f"bringing up the {STACK} stack")
    local.up(STACK)
    results = asyncio.run(_measure(arguments))
    print(report.write(results, "make bench-search" + (' ARGS="--quick"' if arguments.quick else "")))


if __name__ == "__main__":
    main()
