"""``python -m photomesh_identity.migrate``: brings the database's schema up to date. Idempotent."""

from __future__ import annotations

from functools import partial

from photomesh_shared.migrations import run_migrations
from photomesh_shared.postgres import migrate
from photomesh_shared.settings import PostgresSettings

if __name__ == "__main__":
    run_migrations("photomesh_identity", partial(migrate, PostgresSettings().postgres_dsn.get_secret_value()))
