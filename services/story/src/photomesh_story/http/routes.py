"""Routes of stories."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Response

from photomesh_shared.auth import Viewer
from photomesh_shared.http import PRIVATE, ApiRouter, Auth, Budget, Paging, RateClass
from photomesh_shared.ids import StoryId, UserId, encode
from photomesh_story import errors
from photomesh_story.http.dependencies import Dependencies
from photomesh_story.http.schemas import (
    AccountStories,
    Story,
    StoryCreate,
    StoryTray,
    StoryTrayEntry,
    StoryViewer,
    StoryViewerPage,
)
from photomesh_story.stories import domain

__all__ = ["router"]

router = ApiRouter(tags=["stories"])

_READ_PROBLEMS = [errors.StoriesUnavailable, errors.AudienceUnavailable]


@router.post(
    "/v1/stories",
    auth=Auth.REQUIRED,
    rate=RateClass.WRITE,
    budget=Budget.RECORDS,
    status_code=201,
    problems=[errors.NoPhotoForStory, errors.PhotoHadItsStory, errors.TooManyStories, errors.StoriesUnavailable],
    summary="Publish a story",
)
async def publish_story(body: StoryCreate, response: Response, viewer: Viewer, deps: Dependencies) -> Story:
    """Shows a photo to your followers, or to your close friends only, for 24 hours. Safe to repeat: a photo is in one
    story at most, so the same request again returns the story that exists. At most 100 within 24 hours."""
    story = await deps.stories.publish(viewer.account_id, body.photo_id, body.audience, body.alt_text)
    response.headers["Cache-Control"] = PRIVATE
    return Story.of(story, deps.cdn_url, unseen=False, view_count=0)


@router.get(
    "/v1/stories/tray",
    auth=Auth.REQUIRED,
    rate=RateClass.READ,
    problems=_READ_PROBLEMS,
    summary="List accounts with stories",
)
async def get_tray(
    response: Response,
    viewer: Viewer,
    deps: Dependencies,
    limit: Annotated[int, Query(ge=1, le=50, description="Accounts at most.")] = 50,
) -> StoryTray:
    """You, if you have a story; then accounts that you follow: first those with stories that you have not seen (close
    friends' before the others, and then the newest first), then those all of whose stories you have seen. There are no
    further pages: whom you have seen goes to the end."""
    response.headers["Cache-Control"] = PRIVATE
    return StoryTray(items=[StoryTrayEntry.of(ring) for ring in await deps.queries.tray(viewer.account_id, limit)])


@router.get(
    "/v1/users/{user_id}/stories",
    auth=Auth.REQUIRED,
    rate=RateClass.READ,
    problems=_READ_PROBLEMS,
    summary="List an account's stories",
)
async def list_stories(user_id: UserId, response: Response, viewer: Viewer, deps: Dependencies) -> AccountStories:
    """Those that you have not seen first, each part from the oldest; 100 at most. Empty if there are none for you, for
    whatever reason: stories are for followers, those for close friends only for whom their author lists."""
    response.headers["Cache-Control"] = PRIVATE
    seen = await deps.queries.stories_of(viewer.account_id, user_id)
    counts = await deps.queries.view_counts(viewer.account_id, [one.story for one in seen])
    return AccountStories(
        items=[
            Story.of(one.story, deps.cdn_url, unseen=one.unseen, view_count=counts.get(one.story.story_id))
            for one in seen
        ]
    )


@router.put(
    "/v1/stories/{story_id}/seen",
    auth=Auth.REQUIRED,
    rate=RateClass.WRITE,
    budget=Budget.IMPRESSIONS,
    status_code=204,
    problems=[errors.StoryNotFound, *_READ_PROBLEMS],
    summary="Mark a story as seen",
)
async def see_story(story_id: StoryId, viewer: Viewer, deps: Dependencies) -> None:
    """On all devices, with the earlier stories of its author. Its author sees that you saw it, and when you did first.
    Safe to repeat: you are counted once."""
    await deps.stories.see(viewer.account_id, story_id)


@router.get(
    "/v1/stories/{story_id}/viewers",
    auth=Auth.REQUIRED,
    rate=RateClass.READ,
    paged=True,
    problems=[errors.StoryNotFound, *_READ_PROBLEMS],
    summary="List who saw your story",
)
async def list_viewers(story_id: StoryId, viewer: Viewer, deps: Dependencies, paging: Paging) -> StoryViewerPage:
    """For the story's author only; the latest first. Accounts with a block to or from you, and those that left, are
    left out, so a page may have fewer than `limit`, and `view_count` may exceed the list."""
    kind = f"story-viewers:{encode('st', story_id)}"
    position = paging.position(kind)
    after = domain.View(position[1], position[0]) if position else None
    shown, last = await deps.queries.viewers(viewer.account_id, story_id, after, paging.limit)
    listed = paging.page(
        kind, [StoryViewer.of(account, view) for account, view in shown], [last.at_ms, last.viewer_id] if last else None
    )
    count = await deps.queries.view_count(story_id)
    return StoryViewerPage(items=listed.items, next_cursor=listed.next_cursor, view_count=count)


@router.delete(
    "/v1/stories/{story_id}",
    auth=Auth.REQUIRED,
    rate=RateClass.WRITE,
    status_code=204,
    problems=[errors.StoryNotFound, errors.StoriesUnavailable],
    summary="Delete your story",
)
async def delete_story(story_id: StoryId, viewer: Viewer, deps: Dependencies) -> None:
    """For good, with who saw it. It is hidden at once; a moment later its sizes are removed from object storage and
    from the CDN. Safe to repeat."""
    await deps.stories.delete(viewer.account_id, story_id)
