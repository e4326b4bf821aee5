"""``python -m photomesh_export.migrate``: brings the database's schema up to date. Idempotent."""

from __future__ import annotations

from functools import partial

from photomesh_shared.settings import PostgresSettings
from photomesh_shared.stores.migrations import run_migrations
from photomesh_shared.stores.postgres import migrate

if __name__ == "__main__":
    run_migrations("photomesh_export", partial(migrate, PostgresSettings().postgres_dsn.get_secret_value()))
