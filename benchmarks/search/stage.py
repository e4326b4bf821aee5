"""A test stack on which cities are accounts: in the stores that suggestions are checked with, and in new indices, which
searches read for as long as the stage is open."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import numpy as np
from opensearchpy import AsyncOpenSearch

import photomesh_local as local
from benchmarks.search.cities import City
from benchmarks.society.graph import Graph, with_readers
from benchmarks.society.mesh import Mesh
from benchmarks.society.posts import World
from benchmarks.society.tokens import tokens
from photomesh_search.indices.store import Indices, open_client

__all__ = ["FOLLOWS", "STACK", "Stage", "open_stage"]

STACK = "test"
FOLLOWS = 200  # cities that a viewer follows
_FRIENDLY, _FRIENDS = 2_000, 20  # so many of the largest cities follow so many of each other
_POSTERS = 1_000


@dataclass(frozen=True)
class Stage:
    """`indices`: new ones, by name. `tokens`: of the viewers. Posts are by cities, and only in the index."""

    gateway: str
    client: AsyncOpenSearch
    indices: Mapping[str, str]
    cities: Sequence[City]
    account_ids: Sequence[int]
    tokens: Sequence[str]
    post_ids: Sequence[int]
    authors: Sequence[int]


@asynccontextmanager
async def open_stage(of: Sequence[City], *, viewers: int, posts: int) -> AsyncIterator[Stage]:
    graph = _graph(len(of), viewers)
    world, mesh = World(graph.people), Mesh(STACK)
    account_ids: list[int] = world.accounts.tolist()
    names = {account_ids[city.number]: (city.username, city.name) for city in of}
    url = local.environment(STACK, "search")["PHOTOMESH_OPENSEARCH_URL"]
    await mesh.remove_people()  # of a run that was interrupted
    async with open_client(url) as client, _new_indices(client) as made:
        try:
            await mesh.add_people(world, graph, names)
            held = await tokens(STACK, account_ids[len(of) :])
            of_posts = world.posts(_POSTERS, -(-posts // _POSTERS))
            yield Stage(
                f"http://127.0.0.1:{local.Stack(STACK).ports['GATEWAY']}",
                client,
                made,
                of,
                account_ids,
                list(held.values()),
                of_posts.ids.tolist()[:posts],
                of_posts.authors.tolist()[:posts],
            )
        finally:
            await mesh.remove_people()


@asynccontextmanager
async def _new_indices(client: AsyncOpenSearch) -> AsyncIterator[Mapping[str, str]]:
    """Searches read these; the consumer goes on to write into those that there were, which searches read afterwards."""
    indices = Indices(client)
    await indices.ensure()
    written = {
        name: next(iter(await client.indices.get_alias(name=alias))) for name, alias in indices.aliases("write").items()
    }
    await indices.point("read", written)
    await indices.delete_unused()
    made = await indices.begin_generation()
    await indices.point("read", made)
    try:
        yield made
    finally:
        await indices.point("read", written)
        await indices.delete_unused()


def _graph(cities: int, viewers: int) -> Graph:
    chance, friendly = np.random.default_rng(5), min(_FRIENDLY, cities)
    followers = np.repeat(np.arange(friendly), _FRIENDS)
    followees = chance.integers(0, friendly, len(followers))
    pairs = np.unique(followers[followers != followees] * cities + followees[followers != followees])
    among = Graph("cities", cities, pairs // cities, pairs % cities, {})
    return with_readers(among, [FOLLOWS], each=viewers)
