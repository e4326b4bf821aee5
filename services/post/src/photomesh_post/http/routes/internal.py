"""Routes for the other services: no token, and no gateway leads here. Who may see what is for the callers to decide."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter

from photomesh_post.http.dependencies import Dependencies
from photomesh_post.http.schemas.posts import AuthorOut
from photomesh_post.posts.domain import Post, Reactions
from photomesh_shared.events import PostPublished, UtcTime
from photomesh_shared.ids import PostId, UserId, encode

__all__ = ["router"]

_TIME: TypeAdapter[UtcTime | None] = TypeAdapter(UtcTime | None)

router = APIRouter(prefix="/internal", include_in_schema=False)


def _split(given: object) -> object:
    return given[0].split(",") if isinstance(given, list) and len(given) == 1 else given


_LIST = (BeforeValidator(_split), Field(max_length=100), Query(description="Separated by commas."))
PostIds = Annotated[list[PostId], *_LIST]
UserIds = Annotated[list[UserId], *_LIST]


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TimelinesWanted(_Request):
    author_ids: list[UserId] = Field(max_length=200)
    before: PostId | None = None
    limit: int = Field(50, ge=1, le=50)


class ViewerStateWanted(_Request):
    account_id: UserId
    post_ids: list[PostId] = Field(max_length=100)


def _snapshot(post: Post, reactions: Reactions) -> dict[str, Any]:
    """The data of a post's publication as it would be today, and what has been counted since."""
    assert post.published_at is not None
    texts = post.alt_texts
    fact = PostPublished(
        post_id=post.id,
        author_id=post.author_id,
        photos=tuple(photo.model_copy(update={"alt_text": texts.get(photo.photo_id)}) for photo in post.photos),
        caption=post.caption,
        hashtags=post.hashtags,
        mentions=post.mentions,
        place=post.place,
        created_at=post.created_at,
        published_at=post.published_at,
    )
    return fact.model_dump(mode="json") | {
        "edited_at": _TIME.dump_python(post.edited_at, mode="json"),
        "version": post.version,
        "deleted": False,
        "like_count": reactions.likes,
        "comment_count": reactions.comments,
    }


@router.get("/posts")
async def get_posts(ids: PostIds, deps: Dependencies) -> JSONResponse:
    """Published posts, at most 100; those that are unknown, not published, or deleted are left out."""
    posts, reactions = await asyncio.gather(deps.snapshots.posts(ids), deps.liking.reactions(None, set(ids)))
    return JSONResponse({"posts": [_snapshot(post, reactions[post.id]) for post in posts]})


@router.post("/timelines")
async def get_timelines(body: TimelinesWanted, deps: Dependencies) -> JSONResponse:
    """The newest published posts of up to 200 authors, newest first; fewer than `limit` only if there are no more."""
    timelines = await deps.snapshots.timelines(body.author_ids, before=body.before, limit=body.limit)
    return JSONResponse(
        {
            "timelines": {
                encode("u", author_id): [encode("o", post_id) for post_id in post_ids]
                for author_id, post_ids in timelines.items()
            }
        }
    )


@router.post("/viewer-state")
async def get_viewer_state(body: ViewerStateWanted, deps: Dependencies) -> JSONResponse:
    """Those of the posts that an account likes, and those that it saved."""
    found = await deps.saved_posts.reactions(body.account_id, body.post_ids)
    return JSONResponse(
        {
            "liked": [encode("o", post_id) for post_id, those in found.items() if those.liked],
            "saved": [encode("o", post_id) for post_id, those in found.items() if those.saved],
        }
    )


@router.get("/accounts")
async def get_accounts(ids: UserIds, deps: Dependencies) -> JSONResponse:
    """What posts show of their authors; accounts that are not known are left out."""
    authors = await deps.snapshots.authors(ids)
    return JSONResponse({"accounts": [AuthorOut.of(author).model_dump(mode="json") for author in authors]})


@router.get("/accounts/{account_id}/posts/count")
async def count_posts(account_id: UserId, deps: Dependencies) -> JSONResponse:
    """How many published posts the account has."""
    return JSONResponse({"posts": await deps.snapshots.published_posts(account_id)})
