"""The committed schemas and documents are those of the models, and no model breaks what was committed before."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from photomesh_shared.events import TOPICS, Event, decode, event_types
from photomesh_shared.events.documents.asyncapi import document, example_record
from photomesh_shared.events.documents.schemas import consumer_schema, producer_schema
from tools.compatibility import not_accepted
from tools.schemas import ROOT, generated, main, problems

KINDS = list(event_types().values())


def validator(schema: dict[str, Any]) -> Draft202012Validator:
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)


def example(kind: type[Event]) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(example_record(kind).value or b"")
    return value


def test_no_change_is_breaking() -> None:
    assert problems(ROOT) == []


def test_what_is_committed_is_what_the_models_say(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--check"]) == 0, f"run `make schemas`\n{capsys.readouterr().out}"


def test_nothing_is_committed_for_a_type_that_does_not_exist() -> None:
    present = {path for path in (ROOT / "schemas").rglob("*.json") if "earlier" not in path.parts}
    headers = ROOT / "schemas/headers.json"
    assert present == {headers} | {path for path in generated(ROOT) if "earlier" not in path.parts}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.type_)
def test_examples_satisfy_both_schemas(kind: type[Event]) -> None:
    validator(producer_schema(kind)).validate(example(kind))
    validator(consumer_schema(kind)).validate(example(kind))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.type_)
def test_consumers_accept_all_that_producers_may_write(kind: type[Event]) -> None:
    assert not_accepted(consumer_schema(kind), producer_schema(kind)) == []


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.type_)
def test_the_producer_schema_is_closed_and_the_consumer_schema_open(kind: type[Event]) -> None:
    later = example(kind) | {"added_later": 1}
    assert not validator(producer_schema(kind)).is_valid(later)
    assert validator(consumer_schema(kind)).is_valid(later)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.type_)
def test_decoding_agrees_with_the_consumer_schema(kind: type[Event]) -> None:
    """For each field left out in turn, the model and the schema say the same."""
    record = example_record(kind)
    for name in example(kind):
        value = {key: field for key, field in example(kind).items() if key != name}
        shortened = type(record)(record.topic, record.key, json.dumps(value).encode(), record.headers)
        try:
            decode(shortened)
            readable = True
        except Exception:
            readable = False
        assert readable == validator(consumer_schema(kind)).is_valid(value), name


def test_the_catalogue_lists_every_type_once_under_its_topic() -> None:
    listed = [(name, topic.name) for topic in TOPICS.values() for name in topic.types]
    assert sorted(listed) == sorted((kind.type_, kind.topic) for kind in KINDS)
    assert {name for name, topic in TOPICS.items() if topic.name != name} == set()


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for child in node.values():
            yield from references(child)
    elif isinstance(node, list):
        for child in node:
            yield from references(child)


def test_every_reference_in_asyncapi_leads_somewhere() -> None:
    whole = document()
    for reference in references(whole):
        node: Any = whole
        for part in reference.removeprefix("#/").split("/"):
            node = node[part]


def test_asyncapi_examples_satisfy_their_payload_schemas() -> None:
    whole = document()
    for name, message in whole["components"]["messages"].items():
        schema = {
            "$ref": f"#/components/schemas/{name}",
            "components": {"schemas": whole["components"]["schemas"]},
        }
        headers = whole["components"]["messageTraits"]["cloudEvent"]["headers"]
        for given in message["examples"]:
            Draft202012Validator(schema).validate(given["payload"])
            Draft202012Validator(headers).validate(given["headers"])
