"""Validators that subscribers use compile every committed schema and agree on every golden record.

jsonschema for Python and ajv for JavaScript, both asserting formats, over all current and earlier versions.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from tests.support.node import node, packages
from tools.schemas import ROOT

AJV = Path(__file__).parent / "ajv"
GOLDEN = Path(__file__).parent / "golden"
SCHEMAS = {
    str(path.relative_to(ROOT / "schemas")): json.loads(path.read_text())
    for path in sorted((ROOT / "schemas").rglob("*.json"))
}
CURRENT = [name for name in SCHEMAS if "/" not in name]
FORMATS: FormatChecker = Draft202012Validator.FORMAT_CHECKER


@dataclass(frozen=True)
class Judged:
    schema: str
    value: Any


def golden_values() -> Iterable[Judged]:
    """Every golden record by its consumer schema, and the latest one of each type by its producer schema."""
    for folder in sorted(GOLDEN.iterdir()):
        records = sorted(folder.glob("*.json"), key=lambda path: int(path.stem))
        written = [json.loads(path.read_text()) for path in records]
        values = [json.loads(record["value"]) for record in written]
        yield from (Judged("headers.json", record["headers"]) for record in written)
        yield from (Judged(f"{folder.name}.consumer.json", value) for value in values)
        yield Judged(f"{folder.name}.producer.json", values[-1])


def broken_values() -> Iterable[Judged]:
    """Golden values with one time each that is none, and headers of versions out of bounds."""
    for judged in golden_values():
        if judged.schema == "headers.json":
            yield from (
                Judged(judged.schema, judged.value | {"ce_entityversion": version})
                for version in ("-1", "01", str(2**63), "1e3")
            )
        for name, schema in SCHEMAS[judged.schema]["properties"].items():
            if schema.get("format") == "date-time":
                yield Judged(judged.schema, judged.value | {name: "yesterday, about noon"})
                yield Judged(judged.schema, judged.value | {name: "2026-11-21T10:00:00"})  # no offset


def by_jsonschema(judged: Iterable[Judged]) -> list[bool]:
    validators = {name: Draft202012Validator(schema, format_checker=FORMATS) for name, schema in SCHEMAS.items()}
    return [validators[one.schema].is_valid(one.value) for one in judged]


def by_ajv(schemas: Mapping[str, Any], judged: Iterable[Judged]) -> tuple[dict[str, str], list[str | None]]:
    """Return why ajv refuses a schema, by name, and why it refuses a value (None: it does not)."""
    packages(AJV)
    given = {"schemas": schemas, "values": [{"schema": one.schema, "value": one.value} for one in judged]}
    done = subprocess.run(
        [node(), str(AJV / "validate.mjs")], input=json.dumps(given), capture_output=True, text=True, check=True
    )
    answer = json.loads(done.stdout)
    return answer["refused"], answer["verdicts"]


@pytest.mark.parametrize("name", SCHEMAS)
def test_ids_are_urns(name: str) -> None:
    """RFC 8141: a namespace id of letters, digits and hyphens, then a string without characters of other parts."""
    assert re.fullmatch(r"urn:[A-Za-z0-9][A-Za-z0-9-]{0,30}[A-Za-z0-9]:[A-Za-z0-9.:-]+", SCHEMAS[name]["$id"])


def test_ids_name_one_schema_each() -> None:
    assert len({SCHEMAS[name]["$id"] for name in CURRENT}) == len(CURRENT)


@pytest.mark.parametrize("name", SCHEMAS)
def test_jsonschema_compiles_the_schema_and_knows_its_formats(name: str) -> None:
    Draft202012Validator.check_schema(SCHEMAS[name], format_checker=FORMATS)
    used = set(re.findall(r'"format": "([^"]+)"', json.dumps(SCHEMAS[name])))
    assert used <= FORMATS.checkers.keys(), "an unknown format is never asserted"


def test_jsonschema_accepts_golden_records_and_refuses_what_is_no_time() -> None:
    assert all(by_jsonschema(golden_values()))
    assert not any(by_jsonschema(broken_values()))


def test_ajv_accepts_golden_records_and_refuses_what_is_no_time() -> None:
    good, broken = list(golden_values()), list(broken_values())
    assert good
    assert broken
    refused, verdicts = by_ajv({name: SCHEMAS[name] for name in CURRENT}, good + broken)
    assert refused == {}
    wrongly_refused = [(one, why) for one, why in zip(good, verdicts, strict=False) if why is not None]
    assert wrongly_refused == []
    assert None not in verdicts[len(good) :]


def test_ajv_compiles_earlier_versions() -> None:
    """One at a time: versions of one type share their id."""
    earlier = {name: schema | {"$id": f"{schema['$id']}:{name}"} for name, schema in SCHEMAS.items() if "/" in name}
    refused, _ = by_ajv(earlier, [])
    assert refused == {}
