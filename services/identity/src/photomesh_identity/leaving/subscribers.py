"""Registers consumer groups of others, which must acknowledge erasures too::

    python -m photomesh_identity.leaving.subscribers add acme.search
    python -m photomesh_identity.leaving.subscribers remove acme.search
    python -m photomesh_identity.leaving.subscribers list

Erasures do not wait for a group that was removed, even if they have started.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import sys

from photomesh_identity.leaving.subscriber_store import PostgresSubscribers
from photomesh_shared.clock import SystemClock
from photomesh_shared.errors import Unavailable
from photomesh_shared.events import TOPICS
from photomesh_shared.settings import PostgresSettings
from photomesh_shared.stores.postgres import open_pool

__all__ = ["main"]

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")


async def _run(action: str, group: str | None) -> list[str]:
    async with open_pool(PostgresSettings().postgres_dsn.get_secret_value(), size=2) as pool:
        store = PostgresSubscribers(pool)
        if group and action == "add":
            await store.add(group, SystemClock().now())
        elif group:
            await store.remove(group)
        return await store.all()


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="photomesh_identity.leaving.subscribers", description=__doc__)
    parser.add_argument("action", choices=["add", "remove", "list"])
    parser.add_argument("group", nargs="?")
    parsed = parser.parse_args(arguments)
    group: str | None = parsed.group
    if (group is None) != (parsed.action == "list"):
        parser.error("name a group to add or remove it")
    if group and (not _NAME.fullmatch(group) or group in TOPICS["erasures"].consumers):
        parser.error("the name of a group has a–z, digits, dots, dashes and underscores, and is none of ours")
    try:
        print("\n".join(asyncio.run(_run(parsed.action, group))) or "no other group must acknowledge erasures")
    except Unavailable as error:
        print(str(error), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
