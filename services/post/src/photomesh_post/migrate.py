"""Brings the schema up to date; may be run at any time: ``python -m photomesh_post.migrate``."""

from __future__ import annotations

import asyncio

from photomesh_shared.cassandra import migrate
from photomesh_shared.migrations import folder_of
from photomesh_shared.settings import CassandraSettings


def main() -> None:
    applied = asyncio.run(migrate(CassandraSettings(), folder_of("photomesh_post")))
    print("\n".join(applied) or "post: nothing to do")


if __name__ == "__main__":
    main()
