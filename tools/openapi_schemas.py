"""The schemas of the merged OpenAPI document: names, formats of numbers, examples."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

__all__ = ["declare_formats", "examples_of", "nodes", "rename", "with_nulls"]

Json = dict[str, Any]


def nodes(value: Any) -> Iterator[Json]:
    """Yield every object inside a JSON value."""
    if isinstance(value, dict):
        yield value
    for child in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from nodes(child)


def rename(own: Json, service: str, taken: Json) -> None:
    """Rename schemas: ``Page_Post_`` to ``PostPage``; a name that another service uses for a different schema gets the
    service's name as prefix."""
    schemas: Json = own.setdefault("components", {}).setdefault("schemas", {})
    names: dict[str, str] = {}
    for name, schema in schemas.items():
        new = f"{name[5:-1]}Page" if name.startswith("Page_") else name
        if new in taken and taken[new] != schema | {"title": new}:
            new = f"{service.title().replace('-', '')}{new}"
        names[name] = new
    own["components"]["schemas"] = {names[name]: schema | {"title": names[name]} for name, schema in schemas.items()}
    for node in nodes(own):
        if isinstance(reference := node.get("$ref"), str):
            prefix, _, name = reference.rpartition("/")
            node["$ref"] = f"{prefix}/{names.get(name, name)}"


def declare_formats(document: Json) -> None:
    """Give numbers a format, from which generated clients choose a type: without one, it has 32 bits in Java."""
    for node in nodes(document):
        if (kind := node.get("type")) in ("integer", "number"):
            node.setdefault("format", "int64" if kind == "integer" else "double")


def examples_of(schema: Json, schemas: Json) -> list[Any]:
    """Return a model's examples: its own, or one composed of its fields'."""
    if "$ref" in schema:
        return examples_of(schemas[schema["$ref"].rpartition("/")[2]], schemas)
    if found := schema.get("examples"):
        return list(found)
    match schema:
        case {"type": "array", "items": items}:
            return [examples_of(items, schemas)[:1]]
        case {"type": "object", "properties": properties}:
            fields = {name: examples_of(field, schemas) for name, field in properties.items()}
            return [{name: values[0] for name, values in fields.items() if values}]
        case {"anyOf": [*choices]}:
            return [example for choice in choices for example in examples_of(choice, schemas)]
        case {"type": "null"}:
            return [None]
    return []


def with_nulls(example: Any, schema: Json, schemas: Json) -> Any:
    """Return the example with the nulls that FastAPI omits from documents."""
    if "$ref" in schema:
        return with_nulls(example, schemas[schema["$ref"].rpartition("/")[2]], schemas)
    for choice in schema.get("anyOf", ()):
        if choice.get("type") != "null":
            example = with_nulls(example, choice, schemas)
    if isinstance(example, list):
        return [with_nulls(item, schema.get("items", {}), schemas) for item in example]
    if isinstance(example, dict):
        fields = schema.get("properties", {})
        missing = {name: None for name in schema.get("required", ()) if name not in example}
        return {
            name: with_nulls(value, fields.get(name, {}), schemas) for name, value in {**example, **missing}.items()
        }
    return example
