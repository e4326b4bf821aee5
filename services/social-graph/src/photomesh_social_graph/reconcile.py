"""Compares each account's cached counts with its edges, while the service runs::

python -m photomesh_social_graph.reconcile            # all accounts; exits with 1 if any count is wrong
python -m photomesh_social_graph.reconcile --repair   # corrects wrong counts
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator

from photomesh_shared.errors import Unavailable
from photomesh_shared.ids import encode
from photomesh_shared.stores.postgres import open_pool
from photomesh_social_graph.domain import CountAudit
from photomesh_social_graph.settings import ConsumerSettings
from photomesh_social_graph.store import PostgresGraph

__all__ = ["drifts", "main"]

_BATCH = 500


async def drifts(store: PostgresGraph) -> AsyncIterator[CountAudit]:
    """Yields the accounts whose cached counts are wrong, by id."""
    last = -1
    while audits := await store.audit_counts(last, _BATCH):
        for audit in audits:
            if audit.cached != audit.actual:
                yield audit
        last = audits[-1].account_id


async def reconcile(dsn: str, *, repair: bool) -> int:
    """Prints wrong counts, and repairs them if asked to; returns their number."""
    wrong = 0
    async with open_pool(dsn, size=2) as pool:
        store = PostgresGraph(pool)
        async for audit in drifts(store):
            wrong += 1
            if repair:
                await store.repair_counts(audit.account_id)
            print(
                f"{encode('u', audit.account_id)}:"
                f" followers {audit.cached.followers} → {audit.actual.followers},"
                f" following {audit.cached.following} → {audit.actual.following}:"
                f" {'repaired' if repair else 'wrong'}"
            )
    return wrong


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="photomesh_social_graph.reconcile",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--repair", action="store_true", help="correct wrong counts")
    repair = parser.parse_args(arguments).repair
    try:
        wrong = asyncio.run(reconcile(ConsumerSettings().postgres_dsn.get_secret_value(), repair=repair))
    except Unavailable as error:
        print(str(error), file=sys.stderr)
        return 1
    print(f"{wrong if repair else 0} repaired, {0 if repair else wrong} wrong")
    return 1 if wrong and not repair else 0


if __name__ == "__main__":
    sys.exit(main())
