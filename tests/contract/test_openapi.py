"""The committed OpenAPI document is that of the services, the routing table offers what it says, and its examples are
right."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from math import inf
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from photomesh_gateway.routing.router import Route, Router
from photomesh_gateway.routing.table import ROUTES
from photomesh_shared.http import Auth, RoutePolicy
from tools.openapi import FILES, SERVICES, main, operations, service_documents

Json = dict[str, Any]

DOCUMENT: Json = json.loads(FILES[0].read_text())
PROBLEMS: list[Json] = json.loads(FILES[1].read_text())
OPERATIONS = {f"{method} {path}": operation for method, path, operation in operations(DOCUMENT)}
OWN = {"GET /v1/limits"}  # answered by the gateway itself
ROUTED = {name: operation for name, operation in OPERATIONS.items() if name not in OWN}

registry: Registry[Any] = Registry().with_resource("urn:api", Resource.opaque(DOCUMENT))


def resolved(node: Json) -> Json:
    """What a `$ref` stands for."""
    if "$ref" not in node:
        return node
    found = DOCUMENT
    for part in node["$ref"].removeprefix("#/").split("/"):
        found = found[part]
    return resolved(found)


def unnamed(template: str) -> str:
    """A path without its parameters' names, which a service and the routing table may choose differently."""
    return re.sub(r"\{[^}]*\}", "{}", template)


def bodies(operation: Json) -> Iterator[tuple[str, str, Json]]:
    """Place, media type and content of each body that an operation takes or gives."""
    if "requestBody" in operation:
        for kind, content in operation["requestBody"]["content"].items():
            yield "request", kind, content
    for status, response in operation["responses"].items():
        for kind, content in resolved(response).get("content", {}).items():
            yield status, kind, content


def test_what_is_committed_is_what_the_services_say(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--check"]) == 0, f"run `make openapi`\n{capsys.readouterr().out}"


def test_every_operation_of_a_service_is_in_the_routing_table_and_conversely() -> None:
    documents = service_documents()
    offered = {
        (service, method, unnamed(path)) for service in SERVICES for method, path, _ in operations(documents[service])
    }
    assert {(route.upstream.value, route.method, unnamed(route.template)) for route in ROUTES} == offered


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.template}")
def test_the_router_finds_every_route(route: Route) -> None:
    resource = Router(ROUTES).match(re.sub(r"\{[^}]*\}", "p_8aB3x9Q2", route.template))
    assert resource is not None
    assert resource.methods[route.method] == route


@pytest.mark.parametrize(
    "path",
    [
        "/internal/posts",
        "/internal/timelines",
        "/internal/viewer-state",
        "/internal/popular",
        "/internal/accounts/u_8aB3x9Q2/posts/count",
        "/internal/accounts/u_8aB3x9Q2/summary",
        "/internal/accounts/u_8aB3x9Q2/followers",
        "/v1/../internal/posts",
        "/v1/%2e%2e/internal/posts",
        "//internal/posts",
    ],
)
def test_nothing_internal_is_routed(path: str) -> None:
    assert Router(ROUTES).match(path) is None


def test_nothing_internal_is_documented() -> None:
    assert not [name for name in OPERATIONS if "internal" in name]


def test_operation_ids_are_unique_and_short() -> None:
    ids = Counter(operation["operationId"] for operation in OPERATIONS.values())
    assert set(ids.values()) == {1}
    assert all(re.fullmatch("[a-z]+(_[a-z]+)*", name) for name in ids), ids


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_operation_is_explained(name: str) -> None:
    operation = OPERATIONS[name]
    assert operation["summary"]
    assert operation["description"]
    assert {tag["name"] for tag in DOCUMENT["tags"]} >= set(operation["tags"])
    assert operation["tags"]


@pytest.mark.parametrize("name", OPERATIONS)
def test_requests_and_successes_have_examples(name: str) -> None:
    for place, _, content in bodies(OPERATIONS[name]):
        if place == "request" or place.startswith("2"):
            assert content["examples"], place


@pytest.mark.parametrize("name", OPERATIONS)
def test_examples_are_valid(name: str) -> None:
    for place, _, content in bodies(OPERATIONS[name]):
        schema = json.loads(json.dumps(content["schema"]).replace('"#/', '"urn:api#/'))
        validator = Draft202012Validator(schema, registry=registry, format_checker=Draft202012Validator.FORMAT_CHECKER)
        for example in content.get("examples", {}).values():
            assert not list(validator.iter_errors(example["value"])), place


@pytest.mark.parametrize("name", ROUTED)
def test_every_routed_operation_names_its_problems(name: str) -> None:
    operation = ROUTED[name]
    expected = {"429", "502", "503", "504"} | ({"413", "408"} if "requestBody" in operation else set())
    method, path = name.split()
    (route,) = [route for route in ROUTES if (route.method, unnamed(route.template)) == (method, unnamed(path))]
    if route.auth is not Auth.NONE:
        expected.add("401")
    assert expected <= operation["responses"].keys()
    known = {problem["code"] for problem in PROBLEMS}
    for status, kind, content in bodies(operation):
        if status.startswith(("4", "5")):
            assert kind == "application/problem+json"
            assert content["examples"].keys() <= known
            assert {example["value"]["status"] for example in content["examples"].values()} == {int(status)}


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_answer_names_its_headers(name: str) -> None:
    for response in OPERATIONS[name]["responses"].values():
        assert {"Request-Id", "RateLimit", "RateLimit-Policy"} <= resolved(response)["headers"].keys()


@pytest.mark.parametrize("name", OPERATIONS)
def test_interactive_documentation_sends_no_key_and_no_condition(name: str) -> None:
    """Its forms are filled in with examples and defaults: one key for everybody, and a condition that never holds."""
    for parameter in map(resolved, OPERATIONS[name].get("parameters", [])):
        if parameter["in"] == "header":
            assert not {"example", "examples"} & parameter.keys()
            assert not {"default", "example", "examples"} & parameter["schema"].keys()


def test_every_reference_leads_somewhere() -> None:
    references = set(re.findall(r'"\$ref": "([^"]+)"', FILES[0].read_text()))
    assert references
    assert all(resolved({"$ref": reference}) for reference in references)


def test_every_problem_type_is_explained() -> None:
    assert len({problem["code"] for problem in PROBLEMS}) == len(PROBLEMS)
    for problem in PROBLEMS:
        assert 400 <= problem["status"] <= 599
        assert re.fullmatch("[a-z]+(-[a-z]+)*", problem["code"])
        assert len(problem["explanation"]) > 20, problem["code"]


def largest(schema: Json) -> float:
    """The bytes of the largest JSON that is valid: each character an escaped surrogate pair; infinite if unbounded."""
    schema = resolved(schema)
    if "enum" in schema or "const" in schema:
        return max(len(json.dumps(value)) for value in schema.get("enum", [schema.get("const")]))
    if "anyOf" in schema:
        return max(largest(choice) for choice in schema["anyOf"])
    match schema.get("type"):
        case "string" if schema.get("format") == "date-time":
            return 2 + len("2026-11-21T10:30:00.123456+00:00")
        case "string" if bounded := re.fullmatch(r"\^(\w+)\[0-9A-Za-z\]\{1,(\d+)\}\$", schema.get("pattern", "")):
            return 2 + len(bounded[1]) + int(bounded[2])
        case "string":
            return 2 + 12 * float(schema.get("maxLength", inf))
        case "array":
            return 2 + float(schema.get("maxItems", inf)) * (2 + largest(schema["items"]))
        case "object":
            members = schema.get("properties", {})
            size = 2 + sum(len(name) + 6 + largest(member) for name, member in members.items())
            for pattern, member in schema.get("patternProperties", {}).items():
                name = largest({"type": "string", "pattern": pattern})
                size += float(schema.get("maxProperties", inf)) * (name + 4 + largest(member))
            assert not isinstance(schema.get("additionalProperties"), dict)
            return size
        case "integer" | "number" | "boolean" | "null":
            return 24
    return inf


@pytest.mark.parametrize("name", [name for name, operation in ROUTED.items() if "requestBody" in operation])
def test_every_body_has_bounds_and_the_largest_fits_its_route(name: str) -> None:
    [content] = ROUTED[name]["requestBody"]["content"].values()
    assert largest(content["schema"]) <= RoutePolicy.of(ROUTED[name]).max_body
