"""What the request and response models of all services share."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, GetJsonSchemaHandler, WithJsonSchema
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from photomesh_shared.ids import UserId
from photomesh_shared.internal_api.post import SeenAccount

__all__ = ["ExploreReason", "RequestBody", "ShownAccount", "UpdateBody", "Url", "examples"]

Url = Annotated[str, WithJsonSchema({"type": "string", "format": "uri"})]


def examples(*shown: dict[str, Any]) -> ConfigDict:
    """Return the configuration of a model that documents these examples."""
    return ConfigDict(json_schema_extra={"examples": list(shown)})


class RequestBody(BaseModel):
    """Refuses unknown members: a misspelt optional one would otherwise be ignored silently."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class UpdateBody(RequestBody):
    """The body of a PATCH: an absent member leaves its field unchanged (`model_fields_set`).

    Its schema has no defaults: generated clients fill them in, and so would erase what the caller never mentioned.
    """

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        schema = handler(core_schema)
        for member in handler.resolve_ref_schema(schema).get("properties", {}).values():
            member.pop("default", None)
        return schema


class ShownAccount(BaseModel):
    """An account, as post says that the viewer may see it."""

    model_config = examples(
        {
            "id": "u_8gL3n2Au",
            "username": "grace",
            "display_name": "Grace Hopper",
            "avatar_url": "https://cdn.example/variants/Zk3vQ0/150.jpg",
            "followed": True,
        }
    )

    id: UserId
    username: str
    display_name: str | None
    avatar_url: Url | None = Field(description="150 pixels.")
    followed: bool = Field(description="Whether you follow it.")

    @classmethod
    def of(cls, seen: SeenAccount) -> ShownAccount:
        return cls(**seen.model_dump())


class ExploreReason(BaseModel):
    """Why explore shows something."""

    model_config = examples(
        {"kind": "hashtag_you_like", "because": "You liked posts with #sunset.", "hashtag": "sunset"}
    )

    kind: str = Field(
        description="`liked_together`, `author_you_like`, `hashtag_you_like`, `hashtag_you_chose`, "
        "`followed_by_followees`, `near_what_you_like`, `trending` or `new`. More may be added.",
    )
    because: str = Field(description="A sentence in English.")
    hashtag: str | None = Field(description="The hashtag that it is due to, if any: lower case, without #.")
