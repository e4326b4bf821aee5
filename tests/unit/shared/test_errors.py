"""Problem types: those of shared, and those of every deployable."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator
from importlib import import_module
from types import ModuleType

import pytest

from photomesh_shared.errors import (
    ExpiredToken,
    FieldError,
    InvalidCursor,
    InvalidRequest,
    Problem,
    TooManyRequests,
    Unavailable,
    all_problem_types,
    explanation,
    problem_body,
)

_PACKAGES = ("gateway", "identity", "upload", "media_worker", "post")


def _modules_with_problems() -> Iterator[ModuleType]:
    yield import_module("photomesh_shared.stores.object_storage")
    yield import_module("photomesh_shared.stores.postgres")
    for name in _PACKAGES:
        package = import_module(f"photomesh_{name}")
        if any(module.name == "errors" for module in pkgutil.iter_modules(package.__path__)):
            yield import_module(f"photomesh_{name}.errors")


def _kinds() -> list[type[Problem]]:
    assert list(_modules_with_problems())
    found: list[type[Problem]] = []

    def visit(kind: type[Problem]) -> None:
        for child in kind.__subclasses__():
            if child.__module__.startswith("photomesh_"):
                found.append(child)
            visit(child)

    visit(Problem)
    return found


@pytest.mark.parametrize("kind", _kinds(), ids=lambda kind: kind.__name__)
def test_every_type_explains_itself(kind: type[Problem]) -> None:
    assert "code" in vars(kind), "a subclass has a code of its own, or callers cannot tell it from its parent"
    assert kind.code == kind.code.lower().strip("-")
    assert kind.code.replace("-", "").isalnum()
    assert 400 <= kind.status < 600
    assert kind.title
    assert not kind.title.endswith(".")
    assert vars(kind).get("__doc__"), "its docstring is the page that people read"
    text = explanation(kind)
    assert text.endswith(".")
    assert "\n" not in text
    kind()  # each can be raised without arguments, as `problems()` does for the examples
    parents = [parent for parent in kind.__mro__[1:] if issubclass(parent, Problem) and parent is not Problem]
    assert all(parent.status == kind.status for parent in parents), "a type is below the class that has its status"


def test_no_two_types_share_a_code() -> None:
    kinds = _kinds()
    codes = [kind.code for kind in kinds]
    assert len(set(codes)) == len(codes), sorted(code for code in set(codes) if codes.count(code) > 1)
    listed = [kind for kind in all_problem_types() if kind in kinds]  # tests define some of their own
    assert listed == sorted(kinds, key=lambda kind: kind.code)


def test_a_document_has_what_is_known_and_no_more() -> None:
    assert problem_body(InvalidCursor(), type_base="http://api/problems", request_id=None) == {
        "type": "http://api/problems/invalid-cursor",
        "title": "The cursor does not belong to this list",
        "status": 400,
        "code": "invalid-cursor",
        "retryable": False,
    }
    problem = InvalidRequest("Two things.", errors=[FieldError("/a", "one"), FieldError("/b/0", "two")], limit=3)
    body = problem_body(problem, type_base="http://api/problems", request_id="req_1")
    assert body["detail"] == "Two things."
    assert body["errors"] == [
        {"pointer": "/a", "detail": "one", "location": "body"},
        {"pointer": "/b/0", "detail": "two", "location": "body"},
    ]
    assert (body["request_id"], body["limit"]) == ("req_1", 3)


def test_what_may_be_repeated_says_when() -> None:
    assert Unavailable().headers == {"Retry-After": "2"}
    assert Unavailable(headers={"Retry-After": "9"}).headers == {"Retry-After": "9"}
    assert all(kind.retryable for kind in (Unavailable, TooManyRequests))
    assert ExpiredToken().headers == {"WWW-Authenticate": "Bearer"}


def test_an_error_reads_well_in_a_log() -> None:
    assert str(InvalidCursor()) == InvalidCursor.title
    assert str(InvalidCursor("It was cut.")) == "It was cut."
