"""Members of problem documents, beyond those that every problem has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypedDict

__all__ = ["FieldError", "ProblemExtensions"]


@dataclass(frozen=True)
class FieldError:
    """An error in one part of the request.

    `pointer` is an RFC 6901 JSON pointer into that part, empty for the part as a whole. Query, path and header count as
    objects whose members are the parameters."""

    pointer: str
    detail: str
    location: Literal["body", "query", "path", "header"] = "body"


class ProblemExtensions(TypedDict, total=False):
    """What one kind of problem or another says besides. `ProblemDocument` documents each."""

    retryable: bool
    limit: int
    max_bytes: int
    quota: str
    counted_by: str
    full_in: int
    allowed_types: list[str]
    missing_part_numbers: list[int]
    part_numbers: list[int]
    announced_bytes: int
    arrived_bytes: int
    photo_id: str
    photo_status: str
    violated_policies: list[str]
    region: str
    region_url: str
    ticket: str
    required_scope: str
    required_role: str
    expires_in: int
    methods: list[str]
