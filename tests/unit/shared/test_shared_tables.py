"""Tables that several services have are the same in the migrations of each."""

from __future__ import annotations

from pathlib import Path

import pytest

from photomesh_shared.stores.outbox import DDL

COPIES = sorted(Path(__file__).parents[3].glob("services/*/migrations/*_outbox.sql"))


@pytest.mark.parametrize("path", COPIES, ids=lambda path: path.parts[-3])
def test_the_copy_in_a_services_migrations_is_the_original(path: Path) -> None:
    assert path.read_text() == DDL


def test_the_services_with_an_outbox_are_found() -> None:
    assert {path.parts[-3] for path in COPIES} == {"identity", "social-graph", "upload", "webhook"}


def test_the_table_of_idempotency_keys_is_the_same_everywhere() -> None:
    copies = sorted(Path(__file__).parents[3].glob("services/*/migrations/*_idempotency_keys.sql"))
    assert {path.parts[-3] for path in copies} == {"identity", "upload", "webhook"}
    assert len({path.read_text() for path in copies}) == 1
