"""The checker of event schemas catches each kind of breaking change, and lets additions pass."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar, Literal

import pytest
from pydantic import Field, create_model

from photomesh_shared.events import Event, EventModel, UtcTime
from photomesh_shared.events.documents.schemas import consumer_schema, producer_schema
from tools.compatibility import Pair, breaking_changes, not_accepted, shape
from tools.schemas import committed_versions, generated, problems

ROOT = Path(__file__).parents[2]


class Lens(EventModel):
    name: str
    aperture: float | None = None


BASE: dict[str, Any] = {
    "id": (int, Field(ge=0)),
    "name": (str, Field(max_length=100)),
    "code": (str, Field(pattern="^[a-z]+$")),
    "size": (int, ...),
    "note": (str | None, None),
    "lens": (Lens, ...),
    "tags": (tuple[str, ...], ...),
    "at": (UtcTime, ...),
}
EXAMPLE = {
    "id": 1,
    "name": "n",
    "code": "abc",
    "size": 3,
    "lens": {"name": "50 mm"},
    "tags": ["a"],
    "at": datetime(2026, 11, 21, tzinfo=UTC),
}


def event_with(example: dict[str, Any] | None = None, **fields: Any) -> type[Event]:
    """An event type of the base's fields, some of them replaced, added (a definition) or left out (None)."""
    definitions = {name: field for name, field in (BASE | fields).items() if field is not None}

    class Happened(Event):
        topic: ClassVar[str] = "posts"

        @classmethod
        def example(cls) -> Any:
            values = {name: value for name, value in EXAMPLE.items() if name in cls.model_fields}
            return cls.model_validate(values | (example or {}))

    model = create_model("Happened", __base__=Happened, **definitions)
    model.type_ = "photomesh.test.happened.v1"
    return model


def pair(example: dict[str, Any] | None = None, **fields: Any) -> Pair:
    kind = event_with(example, **fields)
    return Pair(producer_schema(kind), consumer_schema(kind))


class Iris(EventModel):
    name: str
    aperture: float | None = None
    blades: int | None = None


class Ring(EventModel):
    name: str


class Blade(EventModel):
    name: str
    aperture: float | None = None
    blades: int


@pytest.mark.parametrize(
    ("change", "fields", "example"),
    [
        ("an optional field", {"extra": (str | None, None)}, {}),
        ("an optional field with a default", {"extra": (int, 0)}, {}),
        ("an optional field inside of a part", {"lens": (Iris, ...)}, {}),
        ("a description", {"size": (int, Field(description="In bytes."))}, {}),
        ("an optional list of parts", {"lenses": (tuple[Lens, ...], ())}, {}),
    ],
)
def test_additions_pass(change: str, fields: dict[str, Any], example: dict[str, Any]) -> None:
    assert breaking_changes(pair(), pair(example, **fields)) == []


@pytest.mark.parametrize(
    ("change", "fields", "example", "said"),
    [
        ("a field removed", {"size": None}, {}, "$.size"),
        ("an optional field removed", {"note": None}, {}, "$.note was removed"),
        ("a field renamed", {"size": None, "bytes": (int, ...)}, {"bytes": 1}, "$.size"),
        ("a required field added", {"extra": (str, ...)}, {"extra": "x"}, "$.extra: may be missing"),
        ("an optional field made required", {"note": (str | None, ...)}, {"note": None}, "$.note: may be missing"),
        ("a type changed", {"size": (str, ...)}, {"size": "3"}, "$.size: string where integer is expected"),
        ("a type widened", {"size": (float, ...)}, {}, "$.size: number where integer is expected"),
        ("a type narrowed", {"lens": (Lens, ...), "note": (int | None, None)}, {}, "$.note"),
        ("null allowed", {"name": (str | None, Field(max_length=100))}, {}, "$.name: null"),
        ("null forbidden", {"note": (str, "")}, {}, "$.note: null"),
        ("an upper bound lowered", {"name": (str, Field(max_length=50))}, {}, "$.name: more than maxLength 50"),
        ("an upper bound raised", {"name": (str, Field(max_length=200))}, {}, "$.name: more than maxLength 100"),
        ("a lower bound raised", {"id": (int, Field(ge=1))}, {}, "$.id: less than minimum 1"),
        ("a lower bound removed", {"id": (int, ...)}, {}, "$.id: less than minimum 0"),
        ("a pattern changed", {"code": (str, Field(pattern="^[A-Z]+$"))}, {"code": "A"}, "$.code: pattern"),
        ("a pattern added", {"name": (str, Field(max_length=100, pattern="^.+$"))}, {}, "$.name: pattern"),
        ("a closed set of values", {"name": (Literal["a", "b"], ...)}, {"name": "a"}, "$.name: values other than"),
        ("a format dropped", {"at": (str, ...)}, {"at": "soon"}, "$.at: format"),
        ("the items of a list changed", {"tags": (tuple[int, ...], ...)}, {"tags": [1]}, "$.tags[]: integer"),
        ("a list bounded", {"tags": (tuple[str, ...], Field(max_length=3))}, {}, "$.tags: more than maxItems 3"),
        ("a list made of one", {"tags": (str, ...)}, {"tags": "a"}, "$.tags: string where array"),
        ("a part's field removed", {"lens": (Ring, ...)}, {}, "$.lens.aperture was removed"),
        ("a part's field required", {"lens": (Blade, ...)}, {"lens": {"name": "", "blades": 1}}, "$.lens.blades"),
    ],
)
def test_everything_else_is_caught(change: str, fields: dict[str, Any], example: dict[str, Any], said: str) -> None:
    found = breaking_changes(pair(), pair(example, **fields))
    assert any(said in problem for problem in found), found


def test_a_set_of_values_may_not_grow_either() -> None:
    two = {"name": (Literal["a", "b"], ...)}
    three = {"name": (Literal["a", "b", "c"], ...)}
    assert breaking_changes(pair({"name": "a"}, **two), pair({"name": "a"}, **three))


def test_what_cannot_be_judged_is_reported() -> None:
    odd = {"type": "object", "properties": {"a": {"type": "array", "uniqueItems": True}}}
    assert not_accepted(odd, odd) == ["$.a: cannot judge uniqueItems"]


def test_explanations_are_not_a_new_version() -> None:
    explained = pair(size=(int, Field(description="In bytes.", examples=[1])))
    assert shape(explained.consumer) == shape(pair().consumer)
    assert shape(pair(extra=(str | None, None)).consumer) != shape(pair().consumer)


def write(files: dict[Path, str]) -> None:
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_each_version_is_kept_and_judged_against_all_before_it(tmp_path: Path) -> None:
    name = "photomesh.test.happened.v1"
    first, second = event_with(), event_with(extra=(str | None, None))
    write(generated(tmp_path, {name: first}))
    write(generated(tmp_path, {name: first}))
    assert len(committed_versions(tmp_path, name)) == 1
    write(generated(tmp_path, {name: second}))
    assert len(committed_versions(tmp_path, name)) == 2
    assert problems(tmp_path, {name: second}) == []

    dropped_again = problems(tmp_path, {name: first})
    assert dropped_again == [f"{name}, version 2: $.extra was removed"]
    assert problems(tmp_path, {}) == [f"{name}: the type was removed"]

    other_type_under_the_name = problems(tmp_path, {name: event_with({"size": "x"}, size=(str, ...))})
    assert {problem.split(":")[0] for problem in other_type_under_the_name} == {
        f"{name}, version 1",
        f"{name}, version 2",
    }
