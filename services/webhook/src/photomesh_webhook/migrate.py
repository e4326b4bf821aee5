"""``python -m photomesh_webhook.migrate``: brings the database's schema up to date. Idempotent."""

from __future__ import annotations

from functools import partial

from photomesh_shared.settings import PostgresSettings
from photomesh_shared.stores.migrations import run_migrations
from photomesh_shared.stores.postgres import migrate

if __name__ == "__main__":
    run_migrations("photomesh_webhook", partial(migrate, PostgresSettings().postgres_dsn.get_secret_value()))
