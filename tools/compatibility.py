"""Compatibility check of event schemas: may one pair of JSON Schemas follow another?

Three rules: readers of the old schema accept everything written by the new one; readers of the new schema accept
everything written by the old one; no field is removed, because consumers may rely on optional fields too.

Unknown keywords are reported as errors, so that none goes unchecked.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

__all__ = ["Pair", "breaking_changes", "not_accepted", "shape"]

Schema = dict[str, Any]

_ANNOTATIONS = {
    "$comment",
    "$defs",
    "$id",
    "$schema",
    "default",
    "deprecated",
    "description",
    "examples",
    "title",
    "x-personal",
}
_JUDGED = {
    "$ref",
    "additionalProperties",
    "anyOf",
    "const",
    "contentEncoding",
    "enum",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "format",
    "items",
    "maxItems",
    "maxLength",
    "maximum",
    "minItems",
    "minLength",
    "minimum",
    "pattern",
    "properties",
    "required",
    "type",
}
_AT_LEAST = ("minimum", "exclusiveMinimum", "minLength", "minItems")
_AT_MOST = ("maximum", "exclusiveMaximum", "maxLength", "maxItems")


@dataclass(frozen=True)
class Pair:
    """The two schemas of one version of an event type."""

    producer: Schema
    consumer: Schema


def breaking_changes(old: Pair, new: Pair) -> list[str]:
    """Return why `new` may not follow `old`; empty if it may."""
    return [
        *(f"old consumers: {problem}" for problem in not_accepted(old.consumer, new.producer)),
        *(f"new consumers: {problem}" for problem in not_accepted(new.consumer, old.producer)),
        *(f"{path} was removed" for path in _paths(old.producer) if path not in set(_paths(new.producer))),
    ]


def not_accepted(reader: Schema, writer: Schema) -> list[str]:
    """Return what `writer` allows and `reader` does not."""
    return list(_compare(_Node(reader, reader), _Node(writer, writer), "$"))


def shape(schema: Any) -> Any:
    """Return the schema without descriptions; two schemas of one shape are the same version."""
    if isinstance(schema, list):
        return [shape(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    kept: Schema = {}
    for word, value in schema.items():
        if word in ("properties", "$defs"):
            kept[word] = {name: shape(child) for name, child in value.items()}
        elif word not in _ANNOTATIONS:
            kept[word] = sorted(value) if word == "required" else shape(value)
    return kept


@dataclass(frozen=True)
class _Node:
    """A schema within the document that resolves its references."""

    document: Schema
    schema: Schema

    @classmethod
    def of(cls, document: Schema, schema: Any) -> _Node:
        if schema is True or schema is None:
            schema = {}
        while "$ref" in schema:
            name = schema["$ref"].removeprefix("#/$defs/")
            schema = document["$defs"][name]
        return cls(document, schema)

    def at(self, schema: Any) -> _Node:
        return _Node.of(self.document, schema)

    @property
    def branches(self) -> list[_Node]:
        """Return the alternatives of `anyOf` and of several types; itself if there are none."""
        if "anyOf" in self.schema:
            return [leaf for branch in self.schema["anyOf"] for leaf in self.at(branch).branches]
        if isinstance(types := self.schema.get("type"), list):
            return [_Node(self.document, {**self.schema, "type": kind}) for kind in types]
        return [self]


def _compare(reader: _Node, writer: _Node, path: str) -> Iterator[str]:
    for node in (reader, writer):
        if unknown := node.schema.keys() - _JUDGED - _ANNOTATIONS:
            yield f"{path}: cannot judge {', '.join(sorted(unknown))}"
            return
    readers, writers = reader.branches, writer.branches
    if len(readers) == 1 and len(writers) == 1:
        yield from _compare_one(readers[0], writers[0], path)
        return
    for written in writers:
        attempts = [list(_compare_one(read, written, path)) for read in readers]
        if all(attempts):
            yield min(attempts, key=len)[0]


def _compare_one(reader: _Node, writer: _Node, path: str) -> Iterator[str]:
    read, written = reader.schema, writer.schema
    if "type" in read and not _type_fits(read["type"], written.get("type")):
        yield f"{path}: {written.get('type', 'anything')} where {read['type']} is expected"
        return
    yield from _compare_values(read, written, path)
    yield from _compare_objects(reader, writer, path)
    if "items" in read:
        yield from _compare(reader.at(read["items"]), writer.at(written.get("items")), f"{path}[]")


def _type_fits(reader: str, writer: str | None) -> bool:
    return reader == writer or (reader == "number" and writer == "integer")


def _compare_values(read: Schema, written: Schema, path: str) -> Iterator[str]:
    for word in ("pattern", "format", "contentEncoding"):
        if word in read and read[word] != written.get(word):
            yield f"{path}: {word} {read[word]!r} is not promised"
    allowed = read.get("enum", [read["const"]] if "const" in read else None)
    if allowed is not None:
        values = written.get("enum", [written["const"]] if "const" in written else None)
        if values is None or any(value not in allowed for value in values):
            yield f"{path}: values other than {allowed}"
    for word in _AT_LEAST:
        if word in read and (word not in written or written[word] < read[word]):
            yield f"{path}: less than {word} {read[word]}"
    for word in _AT_MOST:
        if word in read and (word not in written or written[word] > read[word]):
            yield f"{path}: more than {word} {read[word]}"


def _compare_objects(reader: _Node, writer: _Node, path: str) -> Iterator[str]:
    read, written = reader.schema, writer.schema
    known, given = read.get("properties", {}), written.get("properties", {})
    for name in read.get("required", []):
        if name not in written.get("required", []):
            yield f"{path}.{name}: may be missing"
    for name, schema in given.items():
        if name in known:
            yield from _compare(reader.at(known[name]), writer.at(schema), f"{path}.{name}")
        elif read.get("additionalProperties") is False:
            yield f"{path}.{name}: is not known"
    others_read, others_written = read.get("additionalProperties", True), written.get("additionalProperties", True)
    if others_read is not True and others_written is not False:
        if others_read is False:
            yield f"{path}: any other field"
        else:
            yield from _compare(reader.at(others_read), writer.at(others_written), f"{path}.*")


def _paths(schema: Schema) -> list[str]:
    """Return the paths of all fields, including nested ones."""
    found: dict[str, None] = {}

    def visit(node: _Node, path: str) -> None:
        for branch in node.branches:
            for name, child in branch.schema.get("properties", {}).items():
                found[f"{path}.{name}"] = None
                visit(branch.at(child), f"{path}.{name}")
            if "items" in branch.schema:
                visit(branch.at(branch.schema["items"]), f"{path}[]")

    visit(_Node.of(schema, schema), "$")
    return list(found)
