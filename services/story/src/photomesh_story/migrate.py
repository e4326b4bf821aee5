"""``python -m photomesh_story.migrate``: brings the keyspace's schema up to date. Idempotent."""

from __future__ import annotations

from functools import partial

from photomesh_shared.settings import CassandraSettings
from photomesh_shared.stores.cassandra import migrate
from photomesh_shared.stores.migrations import run_migrations

if __name__ == "__main__":
    run_migrations("photomesh_story", partial(migrate, CassandraSettings()))
