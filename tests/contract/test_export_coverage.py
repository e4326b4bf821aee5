"""An export has everything that is personal: each column of the inventory is in a section, or left out for a reason."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

import pytest

import photomesh_identity.exports
import photomesh_social_graph.exports
import photomesh_upload.exports
import photomesh_webhook.exports
from photomesh_export.coverage import LEFT_OUT, STORES, TOPICS, Covered
from photomesh_shared import events
from photomesh_shared.events.documents.personal_fields import categories_of
from photomesh_shared.internal_api.export import SECTIONS, sections_of
from photomesh_shared.personal import CREDENTIAL, DEVICE
from photomesh_shared.stores.record_pages import RecordQuery
from tools.personal_data.inventory import Stored, inventory

RECORDS: Mapping[str, Mapping[str, RecordQuery]] = {
    "identity": photomesh_identity.exports.RECORDS,
    "social-graph": photomesh_social_graph.exports.RECORDS,
    "upload": photomesh_upload.exports.RECORDS,
    "webhook": photomesh_webhook.exports.RECORDS,
}
PERSONAL = [stored for stored in inventory().stored if stored.is_personal]


def key_of(stored: Stored) -> str:
    return f"{stored.deployable}/{stored.store}/{stored.name}"


def missing_in(stored: Stored, covered: Covered | None) -> list[str]:
    """The personal columns of which nothing is said."""
    personal = {name for name, category in stored.columns.items() if category.is_personal}
    if covered is None:
        return sorted(personal)
    if "*" in covered.left_out:
        return []
    if covered.columns == "*":
        personal = {name for name in personal if stored.columns[name] is CREDENTIAL}
    return sorted(personal - {*covered.columns.split(), *covered.left_out})


@pytest.mark.parametrize("stored", PERSONAL, ids=key_of)
def test_every_personal_column_is_exported_or_left_out_for_a_reason(stored: Stored) -> None:
    missing = missing_in(stored, STORES.get(key_of(stored)))
    assert not missing, (
        f"{key_of(stored)}: {', '.join(missing)}: serve it in a section and declare it in photomesh_export/coverage.py,"
        " or say there why it is left out"
    )


def test_a_column_or_table_that_is_forgotten_is_found() -> None:
    by_key = {key_of(stored): stored for stored in PERSONAL}
    for key, category, missing in (
        ("upload/postgresql/originals", DEVICE, ["camera"]),
        ("identity/postgresql/sessions", DEVICE, []),  # is given whole
        ("identity/postgresql/sessions", CREDENTIAL, ["camera"]),
    ):
        stored = by_key[key]
        grown = replace(stored, columns={**stored.columns, "camera": category})
        assert missing_in(grown, STORES[key]) == missing
        assert "account_id" in missing_in(stored, None)


def test_what_is_declared_as_exported_exists() -> None:
    known = {key_of(stored): stored for stored in inventory().stored}
    for key, covered in STORES.items():
        assert all(covered.left_out.values()), key
        if covered.columns:
            assert set(covered.columns.split()) - {"*"} <= known[key].columns.keys(), key


def test_sections_are_those_that_services_serve() -> None:
    names = {section.name for section in SECTIONS}
    assert {name for covered in STORES.values() for name in covered.sections} <= names
    for service, records in RECORDS.items():
        assert records.keys() == sections_of(service)


@pytest.mark.parametrize("key", [key for key in STORES if key.split("/")[0] in RECORDS and "postgresql" in key])
def test_the_queries_select_what_is_declared(key: str) -> None:
    covered, service = STORES[key], key.split("/")[0]
    selected = " ".join(RECORDS[service][name].sql for name in covered.sections)
    if covered.columns == "*":
        assert re.search(rf"\*,.* FROM {key.split('/')[-1]}\b", selected)
        return
    for column in covered.columns.split():
        assert re.search(rf"\b{column}\b", selected), f"{column} of {key} is in none of {covered.sections}"


def test_every_topic_that_says_something_of_people_is_covered() -> None:
    personal = {
        kind.topic
        for kind in events.event_types().values()
        for name in kind.model_fields
        if any(category.is_personal for category in categories_of(kind, name))
    }
    assert personal - TOPICS.keys() == set(), "say in photomesh_export/coverage.py which sections have it"
    assert {name for sections in TOPICS.values() for name in sections} <= {section.name for section in SECTIONS}


def test_every_manifest_says_what_is_left_out() -> None:
    assert LEFT_OUT
    assert all(why.endswith(".") for why in LEFT_OUT.values())
