"""Services carry the outbox's table in their migrations, each the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from photomesh_shared.stores.outbox import DDL

COPIES = sorted(Path(__file__).parents[3].glob("services/*/migrations/*_outbox.sql"))


@pytest.mark.parametrize("path", COPIES, ids=lambda path: path.parts[-3])
def test_the_copy_in_a_services_migrations_is_the_original(path: Path) -> None:
    assert path.read_text() == DDL


def test_the_services_with_an_outbox_are_found() -> None:
    assert {path.parts[-3] for path in COPIES} == {"identity", "social-graph", "upload"}
