"""Routes for the other services: no token, and no gateway leads here. Who may see what is for the callers to decide."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter

from photomesh_post.api_common import Dependencies
from photomesh_post.domain import Post
from photomesh_shared.events import PostPublished, UtcTime
from photomesh_shared.ids import PostId, UserId, encode

__all__ = ["router"]

_TIME: TypeAdapter[UtcTime | None] = TypeAdapter(UtcTime | None)

router = APIRouter(prefix="/internal", include_in_schema=False)


PostIds = Annotated[
    list[PostId],
    BeforeValidator(lambda given: given[0].split(",") if isinstance(given, list) and len(given) == 1 else given),
    Field(max_length=100),
    Query(description="Separated by commas."),
]


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TimelinesWanted(_Request):
    author_ids: list[UserId] = Field(max_length=200)
    before: PostId | None = None
    limit: int = Field(50, ge=1, le=50)


class ViewerStateWanted(_Request):
    account_id: UserId
    post_ids: list[PostId] = Field(max_length=100)


def _snapshot(post: Post) -> dict[str, Any]:
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
    since = {"edited_at": _TIME.dump_python(post.edited_at, mode="json"), "version": post.version, "deleted": False}
    return fact.model_dump(mode="json") | since


@router.get("/posts")
async def get_posts(ids: PostIds, deps: Dependencies) -> JSONResponse:
    """Published posts, at most 100; those that are unknown, not published, or deleted are left out."""
    return JSONResponse({"posts": [_snapshot(post) for post in await deps.snapshots.posts(ids)]})


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


@router.get("/accounts/{account_id}/posts/count")
async def count_posts(account_id: UserId, deps: Dependencies) -> JSONResponse:
    """How many published posts the account has."""
    return JSONResponse({"posts": await deps.snapshots.published_posts(account_id)})
