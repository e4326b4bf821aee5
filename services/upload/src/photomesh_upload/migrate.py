"""Brings the schema up to date; may be run at any time: ``python -m photomesh_upload.migrate``."""

from __future__ import annotations

import asyncio

from photomesh_shared.migrations import folder_of
from photomesh_shared.postgres import migrate
from photomesh_shared.settings import PostgresSettings


def main() -> None:
    dsn = PostgresSettings().postgres_dsn.get_secret_value()
    applied = asyncio.run(migrate(dsn, folder_of("photomesh_upload")))
    print("\n".join(applied) or "upload: nothing to do")


if __name__ == "__main__":
    main()
