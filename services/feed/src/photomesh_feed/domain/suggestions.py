"""Suggested posts: of accounts that a reader does not follow, in the ranked feed."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["SUGGESTION_EVERY", "SuggestedRow", "Suggestion", "SuggestionReason"]

SUGGESTION_EVERY = 10
"""At most one post in so many is suggested: nine of followees are before each."""


class Suggestion(NamedTuple):
    """A post, and what explore needs to know of it when it is shown."""

    post_id: int
    source: str
    about: str


class SuggestionReason(NamedTuple):
    """Why a post is suggested. See `photomesh_shared.http.schemas.ExploreReason`."""

    kind: str
    because: str
    hashtag: str | None


class SuggestedRow(NamedTuple):
    """A suggestion on a page, unless it turns out to be hidden."""

    suggestion: Suggestion
    place: int
    """How many rows of the page come before it."""
