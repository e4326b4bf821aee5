"""Requests and responses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from photomesh_explore.discovery.queries import NamedTrend, SuggestedAccount
from photomesh_explore.feedback.domain import Feedback, Home
from photomesh_explore.pages.domain import Source
from photomesh_explore.pages.service import Explored
from photomesh_shared.events import UtcTime
from photomesh_shared.http.schemas import ExploreReason, RequestBody, ShownAccount, Url, examples
from photomesh_shared.ids import PostId, UserId

__all__ = [
    "AccountSuggestion",
    "AccountSuggestions",
    "ExploreFeedback",
    "ExploreFeedbackCreate",
    "ExploreFeedbackList",
    "ExploreReasons",
    "ExploreTrend",
    "ExploreTrends",
    "ExploredPost",
    "HomeSuggestions",
    "HomeSuggestionsUpdate",
    "SuggestionReason",
    "reason_of",
]

_ACCOUNT = {
    "id": "u_8gL3n2Au",
    "username": "grace",
    "display_name": "Grace Hopper",
    "avatar_url": None,
    "followed": False,
}
_REASON = {"kind": "hashtag_you_like", "because": "You liked posts with #sunset.", "hashtag": "sunset"}
_FEEDBACK = {
    "id": "5f1c0a9be2d74c11",
    "kind": "less",
    "post_id": "o_SLsTuTVKaG",
    "author_id": "u_8gL3n2Au",
    "hashtags": ["sunset"],
    "given_at": "2026-11-21T10:20:00Z",
}
_TEXTS: Mapping[str, str] = {
    Source.TOGETHER: "People who like what you liked also like it.",
    Source.TAG: "You liked posts with #{tag}.",
    Source.CHOSEN: "You chose #{tag}.",
    Source.AUTHOR: "You liked posts of @{username}.",
    Source.FOLLOWEES: "People whom you follow follow @{username}.",
    Source.NEAR: "It is from near a place of posts that you liked.",
    Source.TRENDING: "Many people like it right now.",
    Source.FRESH: "It is new.",
}


def reason_of(source: str, about: str, username: str) -> ExploreReason:
    text = _TEXTS.get(source, "").format(tag=about, username=username)
    return ExploreReason(kind=source, because=text, hashtag=about or None)


class ExploredPost(BaseModel):
    """A post of an account that you do not follow."""

    model_config = examples(
        {
            "id": "o_SLsTuTVKaG",
            "photo_url": "https://cdn.example/variants/Zk3vQ0/150.jpg",
            "author": _ACCOUNT,
            "reason": _REASON,
        }
    )

    id: PostId
    photo_url: Url | None = Field(description="The smallest size of its first photo.")
    author: ShownAccount
    reason: ExploreReason

    @classmethod
    def of(cls, found: Explored) -> ExploredPost:
        return cls(
            id=found.post.id,
            photo_url=found.post.photo_url,
            author=ShownAccount.of(found.author),
            reason=reason_of(found.entry.source, found.entry.about, found.author.username),
        )


class ExploreReasons(BaseModel):
    """Why explore showed you a post."""

    model_config = examples({"post_id": "o_SLsTuTVKaG", "reasons": [_REASON]})

    post_id: PostId
    reasons: list[ExploreReason]


class ExploreFeedbackCreate(RequestBody):
    """What you want to see more, less or not at all of."""

    model_config = examples({"post_id": "o_SLsTuTVKaG", "kind": "less"})

    post_id: PostId = Field(description="A post that explore showed you in the last days.")
    kind: Literal["more", "less", "hide_author", "hide_tag"] = Field(
        description="`more` or `less` of what is like this post; nothing of its author; nothing with a hashtag of it."
    )
    tag: Annotated[str, Field(max_length=200)] | None = Field(
        None, description="Of `hide_tag`: which hashtag. May be left out if the post has only one."
    )


class ExploreFeedback(BaseModel):
    """What you said about what explore shows you."""

    model_config = examples(_FEEDBACK)

    id: str = Field(description="The same if you say something else about the same thing.")
    kind: str = Field(description="`more`, `less`, `hide_author`, `hide_tag`, or `dismiss_account`. More may be added.")
    post_id: PostId | None
    author_id: UserId | None = Field(description="The post's author, or the dismissed account.")
    hashtags: list[str] = Field(description="Of `hide_tag`: the hashtag; else those of the post.")
    given_at: UtcTime

    @classmethod
    def of(cls, feedback: Feedback) -> ExploreFeedback:
        return cls(
            id=feedback.feedback_id,
            kind=feedback.kind,
            post_id=feedback.post_id,
            author_id=feedback.author_id,
            hashtags=list(feedback.tags),
            given_at=feedback.given_at,
        )


class ExploreFeedbackList(BaseModel):
    """All that you said and did not take back, the latest first; 500 at most."""

    model_config = examples({"items": [_FEEDBACK]})

    items: list[ExploreFeedback]


class ExploreTrend(BaseModel):
    """A hashtag, or a place, of which many accounts post at the moment."""

    model_config = examples({"name": "sunset", "accounts": 41})

    name: str
    accounts: int = Field(description="How many public accounts posted in the last week, 300 posts at most.")

    @classmethod
    def of(cls, trend: NamedTrend) -> ExploreTrend:
        return cls(name=trend.name, accounts=trend.accounts)


class ExploreTrends(BaseModel):
    """What trends, the strongest first."""

    model_config = examples(
        {"hashtags": [{"name": "sunset", "accounts": 41}], "places": [{"name": "Lake Como", "accounts": 17}]}
    )

    hashtags: list[ExploreTrend]
    places: list[ExploreTrend]

    @classmethod
    def of(cls, hashtags: Sequence[NamedTrend], places: Sequence[NamedTrend]) -> ExploreTrends:
        return cls(hashtags=[ExploreTrend.of(one) for one in hashtags], places=[ExploreTrend.of(one) for one in places])


_SUGGESTION = {
    "account": _ACCOUNT,
    "reason": {
        "kind": "followed_by_followees",
        "because": "3 people whom you follow follow them.",
        "followees": 3,
        "hashtag": None,
    },
}


class SuggestionReason(BaseModel):
    """Why an account is suggested."""

    kind: str = Field(description="`followed_by_followees` or `hashtag_you_like`. More may be added.")
    because: str = Field(description="A sentence in English.")
    followees: int = Field(description="How many of those whom you follow follow it.")
    hashtag: str | None = Field(description="The hashtag that you like and it posts of, if it is due to that.")


class AccountSuggestion(BaseModel):
    """An account that you could follow."""

    model_config = examples(_SUGGESTION)

    account: ShownAccount
    reason: SuggestionReason

    @classmethod
    def of(cls, found: SuggestedAccount) -> AccountSuggestion:
        if found.tag is None:
            people = (
                "1 person whom you follow follows"
                if found.followees == 1
                else (f"{found.followees} people whom you follow follow")
            )
            kind, because = Source.FOLLOWEES, f"{people} them."
        else:
            kind, because = Source.TAG, f"They post with #{found.tag}, which you like."
        return cls(
            account=ShownAccount.of(found.account),
            reason=SuggestionReason(kind=kind, because=because, followees=found.followees, hashtag=found.tag),
        )


class AccountSuggestions(BaseModel):
    """Accounts that you could follow, the best first."""

    model_config = examples({"items": [_SUGGESTION]})

    items: list[AccountSuggestion]


class HomeSuggestionsUpdate(RequestBody):
    """Whether the ranked home feed has suggested posts."""

    model_config = examples({"state": "snoozed"})

    state: Literal["on", "snoozed", "off"] = Field(description="`snoozed`: none for 30 days.")


class HomeSuggestions(BaseModel):
    """Whether your ranked home feed has suggested posts."""

    model_config = examples({"state": "snoozed", "until": "2026-12-21T10:20:00Z"})

    state: str = Field(description="`on`, `snoozed` or `off`. More may be added.")
    until: UtcTime | None = Field(description="Of `snoozed`: when they are on again.")

    @classmethod
    def of(cls, home: Home) -> HomeSuggestions:
        return cls(state=home.state, until=home.until)
