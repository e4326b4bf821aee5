"""One operation of an internal API, shared by server and clients."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Generic, Literal, TypeVar, cast

from pydantic import BaseModel, ConfigDict, TypeAdapter

__all__ = ["InternalModel", "Operation"]

R = TypeVar("R")


class InternalModel(BaseModel):
    """Rejects unknown members of requests; `Operation.parse` ignores those of responses, so that a service may add
    members before its clients know them."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True)
class Operation(Generic[R]):
    """`response` is a type that pydantic can validate, or `bytes` for a body that is not JSON."""

    method: Literal["GET", "POST", "PUT"]
    path: str
    """With FastAPI's placeholders, such as ``/internal/accounts/{user_id}/following``."""
    response: type[R]
    query: type[InternalModel] | None = None
    body: type[InternalModel] | None = None
    callers: frozenset[str] = field(kw_only=True, compare=False, repr=False)
    """The programs that may call it."""

    def url(self, **path: str) -> str:
        """Return the path with its placeholders filled in."""
        return self.path.format(**path)

    def parse(self, content: bytes) -> R:
        """Parse the response from a body. Raises pydantic.ValidationError."""
        if self.response is bytes:
            return cast("R", content)
        return self._adapter.validate_json(content, extra="ignore")

    def query_of(self, query: InternalModel | None) -> Mapping[str, str]:
        """Return the query string's members."""
        if query is None:
            return {}
        members: dict[str, Any] = query.model_dump(mode="json", exclude_none=True)
        return {name: str(value) for name, value in members.items()}

    @cached_property
    def _adapter(self) -> TypeAdapter[R]:
        return TypeAdapter(self.response)
