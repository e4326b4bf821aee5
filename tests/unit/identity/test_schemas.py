"""Request models: lengths are checked before the rules that cost more."""

from __future__ import annotations

import pytest
from pydantic import BaseModel, ValidationError

from photomesh_identity.http.schemas import AccountCreate, ProfileUpdate, SessionCreate, SessionRefresh

TEXTS = [
    (AccountCreate, "username"),
    (AccountCreate, "email"),
    (AccountCreate, "password"),
    (SessionCreate, "login"),
    (SessionCreate, "password"),
    (SessionRefresh, "refresh_token"),
    (ProfileUpdate, "display_name"),
    (ProfileUpdate, "bio"),
]


@pytest.mark.parametrize(("model", "name"), TEXTS)
def test_a_long_text_is_refused_by_its_length_alone(model: type[BaseModel], name: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        model.model_validate({name: "a@b." * 10_000})
    [kind] = [error["type"] for error in refusal.value.errors() if error["loc"] == (name,)]
    assert kind == "string_too_long"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("display_name", " " * 40 + "e\u0301" * 50 + " " * 40),  # 50 characters, once normalized
        ("bio", "e\u0301" * 300),
    ],
)
def test_the_bound_leaves_room_for_normalization(name: str, text: str) -> None:
    assert ProfileUpdate.model_validate({name: text})
