"""The internal API of explore."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from photomesh_shared.ids import PostId
from photomesh_shared.internal_api.operation import InternalModel, Operation

__all__ = [
    "GET_SUGGESTIONS",
    "MAX_SUGGESTIONS",
    "SHOW_SUGGESTIONS",
    "ReasonedPost",
    "ShownSuggestions",
    "SuggestedPost",
    "SuggestedPosts",
    "SuggestionsQuery",
]

MAX_SUGGESTIONS = 25
"""Maximum number of posts per call."""


class SuggestionsQuery(InternalModel):
    limit: int = Field(ge=1, le=MAX_SUGGESTIONS)


class SuggestedPost(InternalModel):
    post_id: PostId
    source: Annotated[str, Field(max_length=40)] = Field(description="Why explore suggests it.")
    about: Annotated[str, Field(max_length=200)] = Field("", description="The hashtag that it is due to, if any.")


class SuggestedPosts(InternalModel):
    posts: list[SuggestedPost] = Field(max_length=MAX_SUGGESTIONS)


class ReasonedPost(InternalModel):
    post_id: PostId
    kind: str
    because: str = Field(description="A sentence in English.")
    hashtag: str | None


class ShownSuggestions(InternalModel):
    posts: list[ReasonedPost]


GET_SUGGESTIONS = Operation(
    "GET",
    "/internal/accounts/{account_id}/suggestions",
    SuggestedPosts,
    query=SuggestionsQuery,
    callers=frozenset({"feed"}),
)
"""Posts that an account could be shown at home, the best first; none if it does not want any. Post was not asked yet
whether it may see them."""
SHOW_SUGGESTIONS = Operation(
    "POST",
    "/internal/accounts/{account_id}/suggestions/shown",
    ShownSuggestions,
    body=SuggestedPosts,
    callers=frozenset({"feed"}),
)
"""Those of some suggested posts that the account may be shown at this moment. They count as shown from then on."""
