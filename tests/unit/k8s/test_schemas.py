"""The schemas on which rendered resources are judged: as strict as an API server with strict validation."""

from __future__ import annotations

from typing import Any

import pytest

from tools.manifests import errors, schemas_of

DEFINITION = {
    "spec": {
        "group": "example.org",
        "names": {"kind": "Widget"},
        "versions": [
            {
                "name": "v1",
                "schema": {
                    "openAPIV3Schema": {
                        "type": "object",
                        "required": ["spec"],
                        "properties": {
                            "spec": {
                                "type": "object",
                                "properties": {
                                    "size": {"type": "integer"},
                                    "port": {"x-kubernetes-int-or-string": True, "type": "integer"},
                                    "note": {"type": "string", "nullable": True},
                                    "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
                                    "labels": {"type": "object", "additionalProperties": {"type": "string"}},
                                    "parts": {
                                        "type": "array",
                                        "items": {"type": "object", "properties": {"kind": {"enum": ["a", "b"]}}},
                                    },
                                },
                            }
                        },
                    }
                },
            }
        ],
    }
}
SCHEMAS = dict(schemas_of(DEFINITION))


def _widget(**spec: Any) -> dict[str, Any]:
    return {"apiVersion": "example.org/v1", "kind": "Widget", "metadata": {"name": "one"}, "spec": spec}


@pytest.mark.parametrize(
    "spec",
    [
        {},
        {"size": 1, "port": "http"},
        {"note": None},
        {"free": {"x": 1}},
        {"labels": {"a": "b"}},
        {"parts": [{"kind": "a"}]},
    ],
)
def test_what_a_definition_allows(spec: dict[str, Any]) -> None:
    assert errors(_widget(**spec), SCHEMAS) == []


@pytest.mark.parametrize(
    ("spec", "word"),
    [
        ({"sise": 1}, "sise"),
        ({"size": "big"}, "big"),
        ({"labels": {"a": 1}}, "labels"),
        ({"parts": [{"kind": "c"}]}, "kind"),
        ({"parts": [{"kin": "a"}]}, "kin"),
    ],
)
def test_what_it_does_not(spec: dict[str, Any], word: str) -> None:
    (error,) = errors(_widget(**spec), SCHEMAS) or []
    assert word in error


def test_kubernetes_own_resources_are_judged_and_unknown_ones_named() -> None:
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "one"}}
    assert errors(config, {}) == []
    (error,) = errors(config | {"dat": {}}, {}) or []
    assert "dat" in error
    assert errors(_widget() | {"apiVersion": "other.org/v1"}, SCHEMAS) is None
