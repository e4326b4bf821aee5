"""The OpenAPI document is one that client generators understand: what each rule prevents is in its docstring."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest

from photomesh_shared.errors import ProblemExtensions
from photomesh_shared.http import ProblemDocument
from photomesh_shared.ids import encode
from tests.contract.test_junk import BODIES, PREFIXES, app_of
from tests.contract.test_openapi import DOCUMENT, OPERATIONS, bodies, resolved
from tools.openapi_schemas import nodes

Json = dict[str, Any]

SCHEMAS: dict[str, Json] = DOCUMENT["components"]["schemas"]
PROPERTIES = {
    f"{name}.{member}": schema
    for name, model in SCHEMAS.items()
    for member, schema in model.get("properties", {}).items()
}
FROM_BROWSERS = {"POST /v1/sessions/passkey", "POST /v1/me/passkeys"}
"""Their `credential` is what a browser makes, and browsers add members to it."""
RFC_3339 = r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})"


def reachable(schema: Json) -> list[Json]:
    """Every schema that this one consists of."""
    found, names = [*nodes(schema)], set[str]()
    for node in found:
        name = node.get("$ref", "").rpartition("/")[2]
        if name and name not in names:
            names.add(name)
            found += nodes(SCHEMAS[name])  # the loop goes on with them
    return found


def request_schema(operation: Json) -> Json:
    [schema] = [content["schema"] for place, _, content in bodies(operation) if place == "request"]
    assert isinstance(schema, dict)
    return schema


def choices(schema: Json) -> list[Json]:
    return [resolved(choice) for choice in schema.get("anyOf", [schema])]


@pytest.mark.parametrize("name", [name for name in OPERATIONS if name.startswith("PATCH ")])
def test_no_patch_has_a_default(name: str) -> None:
    """Clients in Java, Kotlin, Swift and Dart send defaults, and so would erase what nobody mentioned."""
    assert not [node for node in reachable(request_schema(OPERATIONS[name])) if "default" in node]


def test_there_are_patches() -> None:
    assert len([name for name in OPERATIONS if name.startswith("PATCH ")]) >= 3


@pytest.mark.parametrize("name", [name for name, operation in OPERATIONS.items() if "requestBody" in operation])
def test_every_body_refuses_unknown_members(name: str) -> None:
    objects = [node for node in reachable(request_schema(OPERATIONS[name])) if "properties" in node and "type" in node]
    assert objects
    if name in FROM_BROWSERS:
        objects = [resolved(request_schema(OPERATIONS[name]))]
    assert all(node["additionalProperties"] is False for node in objects)


@pytest.mark.parametrize("name", OPERATIONS)
def test_no_response_refuses_unknown_members(name: str) -> None:
    """A response may get new members; a client that is generated to refuse them would break."""
    for place, _, content in bodies(OPERATIONS[name]):
        if place != "request":
            assert not [node for node in reachable(content["schema"]) if node.get("additionalProperties") is False]


@pytest.mark.parametrize("keyword", ["patternProperties", "uniqueItems", "prefixItems", "not", "if"])
def test_no_keyword_that_generators_misunderstand(keyword: str) -> None:
    """`patternProperties` become untyped or broken maps; `uniqueItems` a set, which loses the order of photos."""
    assert not [node for node in nodes(DOCUMENT["components"]["schemas"]) if keyword in node]
    assert not [node for node in nodes(DOCUMENT["paths"]) if keyword in node]


def test_numbers_have_a_format() -> None:
    """Without one, an integer becomes 32 bits in Java."""
    for node in nodes(DOCUMENT):
        match node.get("type"):
            case "integer":
                assert node["format"] == "int64", node
            case "number":
                assert node["format"] == "double"


@pytest.mark.parametrize("name", [name for name in PROPERTIES if name.endswith("url")])
def test_urls_have_a_format(name: str) -> None:
    assert "uri" in {choice.get("format") for choice in choices(PROPERTIES[name])}


def test_urls_by_size_have_a_format() -> None:
    for name in ("Photo.variants", "PostPhoto.variants"):
        [schema] = [choice for choice in choices(PROPERTIES[name]) if choice["type"] == "object"]
        assert schema["additionalProperties"] == {"type": "string", "format": "uri"}


@pytest.mark.parametrize("name", [name for name in PROPERTIES if re.search(r"(_at|_time)$", name)])
def test_a_moment_has_an_offset_and_a_camera_time_has_none(name: str) -> None:
    """A `date-time` without an offset makes Go, Java and Kotlin refuse the whole response."""
    [schema] = [choice for choice in choices(PROPERTIES[name]) if choice["type"] == "string"]
    if name == "PhotoMetadata.taken_at":
        assert "format" not in schema
        assert re.fullmatch(schema["pattern"], "2026-11-20T17:03:05")
    else:
        assert schema["format"] == "date-time"


def moments(value: Any, schema: Json) -> list[str]:
    """The values in a document whose schema says `date-time`."""
    found: list[str] = []
    for choice in choices(resolved(schema)):
        if choice.get("format") == "date-time" and isinstance(value, str):
            found.append(value)
        if isinstance(value, list) and "items" in choice:
            found += [moment for item in value for moment in moments(item, choice["items"])]
        if isinstance(value, dict):
            for member, inner in choice.get("properties", {}).items():
                found += moments(value.get(member), inner)
    return found


def test_every_moment_in_an_example_is_rfc_3339() -> None:
    found = [
        moment
        for operation in OPERATIONS.values()
        for _, _, content in bodies(operation)
        for example in content.get("examples", {}).values()
        for moment in moments(example["value"], content["schema"])
    ]
    assert len(found) > 30
    assert [moment for moment in found if not re.fullmatch(RFC_3339, moment)] == []


def test_a_client_can_be_pointed_at_any_deployment() -> None:
    own, other = DOCUMENT["servers"]
    assert re.fullmatch("https?://[^/{}]+", own["url"])
    assert set(re.findall(r"\{(\w+)\}", other["url"])) == set(other["variables"])


def test_names_are_alike() -> None:
    assert not [name for name in SCHEMAS if re.search(r"(Out|In|Response|Request)(Page)?$", name)]
    assert not [name for name in PROPERTIES if name.endswith((".avatar_urls", "Upload.upload_id"))]
    for name in ("UploadUrls", "UploadSummary", "UploadDetails", "Photo", "Post", "Comment", "Collection", "Me"):
        assert f"{name}.id" in PROPERTIES
    limits = {
        parameter["schema"]["maximum"]
        for operation in OPERATIONS.values()
        for parameter in operation.get("parameters", [])
        if parameter.get("name") == "limit"
    }
    assert len(limits) == 1


def test_no_schema_has_the_name_of_anothers_member() -> None:
    """Generators give the values of a member a type of their own, with the names of both: `Story.audience` would be
    `StoryAudience`."""
    members = {
        f"{schema}{name}".replace("_", "").lower()
        for schema, found in SCHEMAS.items()
        for name, member in found.get("properties", {}).items()
        if "enum" in member or member.get("type") == "object"
    }
    assert not {name for name in SCHEMAS if name.lower() in members}


@pytest.mark.parametrize("name", [name for name, operation in OPERATIONS.items() if "201" in operation["responses"]])
def test_every_creation_says_where_it_is(name: str) -> None:
    assert "Location" in OPERATIONS[name]["responses"]["201"]["headers"]


def test_every_member_of_a_problem_is_declared() -> None:
    """The type of `Problem.extensions` admits no others."""
    assert set(ProblemExtensions.__annotations__) <= set(ProblemDocument.model_fields)
    assert set(ProblemDocument.model_fields) == set(SCHEMAS["ProblemDocument"]["properties"])


@pytest.mark.parametrize("route", BODIES, ids=lambda route: f"{route.method} {route.template}")
async def test_bodies_refuse_what_they_do_not_know_and_point_at_it(route: Any) -> None:
    """Alike in all operations, and in one form of pointer (RFC 6901)."""
    path = re.sub(r"\{(\w+)_id\}", lambda match: encode(PREFIXES[match[1]], 1), route.template)
    path = path.replace("{number}", "1")
    transport = httpx.ASGITransport(app_of(route.upstream), raise_app_exceptions=False)
    headers = {"Authorization": "Bearer any"}
    content = OPERATIONS[f"{route.method} {route.template}"]["requestBody"]["content"]["application/json"]
    valid = next(iter(content["examples"].values()))["value"]
    async with httpx.AsyncClient(transport=transport, base_url="http://service", headers=headers) as client:
        for body, pointer in (
            (valid | {"un/kn~own": 1}, "/un~1kn~0own"),
            ({member: {"no": "such"} for member in valid}, None),
            ([], ""),
        ):
            answer = await client.request(route.method, path, json=body)
            assert answer.status_code == 422, answer.text
            problem = answer.json()
            assert {error["location"] for error in problem["errors"]} == {"body"}
            pointers = {error["pointer"] for error in problem["errors"]}
            assert pointers == {pointer} if pointer is not None else all(re.match("/[a-z]", one) for one in pointers)
            assert set(problem) <= set(ProblemDocument.model_fields)
