"""``python -m photomesh_social_graph.migrate``: brings the schema of the database up to date; harmless when it is."""

from __future__ import annotations

import asyncio

from photomesh_shared.migrations import folder_of
from photomesh_shared.postgres import migrate
from photomesh_social_graph.settings import ConsumerSettings


def main() -> None:
    dsn = ConsumerSettings().postgres_dsn.get_secret_value()
    applied = asyncio.run(migrate(dsn, folder_of("photomesh_social_graph")))
    print("applied: " + ", ".join(applied) if applied else "the schema is up to date")


if __name__ == "__main__":
    main()
