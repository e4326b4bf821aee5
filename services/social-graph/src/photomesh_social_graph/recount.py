"""``python -m photomesh_social_graph.recount``: compares each account's counts with its edges, and sets those that are
wrong. With ``--check`` it changes nothing, and fails if any is wrong. Harmless while the service runs."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator

from photomesh_shared.ids import encode
from photomesh_shared.postgres import open_pool
from photomesh_social_graph.domain import Counted
from photomesh_social_graph.settings import ConsumerSettings
from photomesh_social_graph.store import PostgresGraph

__all__ = ["drifted", "main"]

_AT_A_TIME = 500


async def drifted(store: PostgresGraph) -> AsyncIterator[Counted]:
    """Every account whose cached counts are not those of its edges."""
    last = -1
    while accounts := await store.counted(last, _AT_A_TIME):
        for counted in accounts:
            if counted.cached != counted.actual:
                yield counted
        last = accounts[-1].account_id


async def _run(dsn: str, *, check: bool) -> int:
    """How many were wrong."""
    wrong = 0
    async with open_pool(dsn, size=2) as pool:
        store = PostgresGraph(pool)
        async for counted in drifted(store):
            wrong += 1
            print(
                f"{encode('u', counted.account_id)}:"
                f" followers {counted.cached.followers} → {counted.actual.followers},"
                f" following {counted.cached.following} → {counted.actual.following}"
            )
            if not check:
                await store.recount(counted.account_id)
    return wrong


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="photomesh_social_graph.recount", description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; fail if a count is wrong")
    check = parser.parse_args(arguments).check
    wrong = asyncio.run(_run(ConsumerSettings().postgres_dsn.get_secret_value(), check=check))
    print(f"{wrong} accounts {'are' if check else 'were'} wrong" if wrong else "every count is right")
    return 1 if check and wrong else 0


if __name__ == "__main__":
    sys.exit(main())
