"""Routes of stories."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query, Response

from photomesh_shared.auth import Viewer
from photomesh_shared.http import PRIVATE, ApiRouter, Auth, Budget, Page, Paging, RateClass
from photomesh_shared.ids import StoryId, UserId, encode
from photomesh_story import errors
from photomesh_story.archive import domain as archive
from photomesh_story.http.dependencies import Dependencies
from photomesh_story.http.schemas.archive import (
    ArchivedStory,
    Highlight,
    HighlightEntry,
    HighlightText,
    ProfileHighlights,
    StorySettings,
    StorySettingsUpdate,
)
from photomesh_story.http.schemas.stories import (
    AccountStories,
    Story,
    StoryCreate,
    StoryReply,
    StoryReplyText,
    StoryTray,
    StoryTrayEntry,
    StoryViewer,
    StoryViewerPage,
)
from photomesh_story.replies.domain import ReplyPosition
from photomesh_story.stories import domain

__all__ = ["router"]

router = ApiRouter(tags=["stories"])

HighlightNumber = Annotated[int, Path(ge=1, le=archive.MAX_HIGHLIGHTS, description="Its place on the profile.")]

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


@router.put(
    "/v1/stories/{story_id}/reply",
    auth=Auth.REQUIRED,
    rate=RateClass.WRITE,
    budget=Budget.RECORDS,
    status_code=204,
    problems=[errors.StoryNotFound, errors.OwnStory, errors.AlreadyReplied, *_READ_PROBLEMS],
    summary="Reply to a story",
)
async def reply_to_story(story_id: StoryId, body: StoryReplyText, viewer: Viewer, deps: Dependencies) -> None:
    """Everybody who sees a story may reply to its author, once. Nobody else reads it. Safe to repeat with the same
    text. The reply goes with the story's records, five days after it was published, or when the story is deleted."""
    await deps.replies.reply(viewer.account_id, story_id, body.text)


@router.delete(
    "/v1/stories/{story_id}/reply",
    auth=Auth.REQUIRED,
    rate=RateClass.WRITE,
    status_code=204,
    summary="Delete your reply",
)
async def delete_reply(story_id: StoryId, viewer: Viewer, deps: Dependencies) -> None:
    """For good, whether or not you still see the story. Safe to repeat."""
    await deps.replies.withdraw(viewer.account_id, story_id)


@router.get(
    "/v1/stories/{story_id}/replies",
    auth=Auth.REQUIRED,
    rate=RateClass.READ,
    paged=True,
    problems=[errors.StoryNotFound, *_READ_PROBLEMS],
    summary="List replies to a story",
)
async def list_story_replies(story_id: StoryId, viewer: Viewer, deps: Dependencies, paging: Paging) -> Page[StoryReply]:
    """To your own story: all, the latest first, for five days after it was published. Accounts with a block to or from
    you, and those that left, are left out, so a page may have fewer than `limit`. To another's that you see: yours."""
    kind = f"story-replies:{encode('st', story_id)}"
    position = paging.position(kind)
    after = ReplyPosition(domain.moment_of(position[0]), position[1]) if position else None
    shown, last = await deps.reply_queries.replies(viewer.account_id, story_id, after, paging.limit)
    return paging.page(
        kind,
        [StoryReply.of(account, reply) for account, reply in shown],
        [domain.ms_of(last.replied_at), last.account_id] if last else None,
    )


@router.delete(
    "/v1/stories/{story_id}/replies/{user_id}",
    auth=Auth.REQUIRED,
    rate=RateClass.WRITE,
    status_code=204,
    problems=[errors.StoryNotFound],
    summary="Delete somebody's reply to your story",
)
async def remove_reply(story_id: StoryId, user_id: UserId, viewer: Viewer, deps: Dependencies) -> None:
    """For good. Safe to repeat."""
    await deps.replies.remove(viewer.account_id, story_id, user_id)


@router.get(
    "/v1/me/stories/archive",
    auth=Auth.REQUIRED,
    rate=RateClass.READ,
    paged=True,
    summary="List your stories that are over",
)
async def list_archive(response: Response, viewer: Viewer, deps: Dependencies, paging: Paging) -> Page[ArchivedStory]:
    """The latest first. A story is here some seconds after its end, until you delete it. A page may have fewer than
    `limit` although there are more: only `next_cursor` tells."""
    response.headers["Cache-Control"] = PRIVATE
    position = paging.position("story-archive")
    found, last = await deps.archive_queries.archive(viewer.account_id, position[0] if position else None, paging.limit)
    items = [ArchivedStory.of(one, urls) for one, urls in found]
    return paging.page("story-archive", items, [last] if last is not None else None)


@router.get(
    "/v1/me/stories/settings",
    auth=Auth.REQUIRED,
    rate=RateClass.READ,
    summary="Get whether your stories are archived",
)
async def get_story_settings(response: Response, viewer: Viewer, deps: Dependencies) -> StorySettings:
    """By default they are."""
    response.headers["Cache-Control"] = PRIVATE
    return StorySettings(archive=await deps.archive_queries.is_archiving(viewer.account_id))


@router.put(
    "/v1/me/stories/settings",
    auth=Auth.REQUIRED,
    rate=RateClass.WRITE,
    budget=Budget.TOGGLES,
    summary="Say whether your stories are archived",
)
async def put_story_settings(body: StorySettingsUpdate, viewer: Viewer, deps: Dependencies) -> StorySettings:
    """Of stories that end from now on. Without an archive, their photos are removed. What is archived stays until you
    delete it."""
    await deps.highlights.archive_from_now(viewer.account_id, wanted=body.archive)
    return StorySettings(archive=body.archive)


@router.put(
    "/v1/me/highlights/{number}",
    auth=Auth.REQUIRED,
    rate=RateClass.WRITE,
    budget=Budget.RECORDS,
    status_code=204,
    problems=[errors.NotInArchive],
    summary="Write a highlight",
)
async def put_highlight(number: HighlightNumber, body: HighlightText, viewer: Viewer, deps: Dependencies) -> None:
    """Shows stories of your archive to everybody who sees your profile, or replaces what the highlight with this number
    had. Not stories for close friends. Safe to repeat."""
    highlight = archive.Highlight(number, body.title, tuple(body.story_ids))
    await deps.highlights.write(viewer.account_id, highlight)


@router.delete(
    "/v1/me/highlights/{number}",
    auth=Auth.REQUIRED,
    rate=RateClass.WRITE,
    status_code=204,
    summary="Delete a highlight",
)
async def delete_highlight(number: HighlightNumber, viewer: Viewer, deps: Dependencies) -> None:
    """Its stories stay in your archive. Their public sizes are removed from object storage and from the CDN, unless
    another highlight has them. Safe to repeat."""
    await deps.highlights.remove(viewer.account_id, number)


@router.get(
    "/v1/users/{user_id}/highlights",
    auth=Auth.REQUIRED,
    rate=RateClass.READ,
    problems=[errors.AudienceUnavailable],
    summary="List an account's highlights",
)
async def list_highlights(user_id: UserId, response: Response, viewer: Viewer, deps: Dependencies) -> ProfileHighlights:
    """By their numbers. Empty if there are none for you, for whatever reason: they are for those who see the account's
    posts."""
    response.headers["Cache-Control"] = PRIVATE
    shown = await deps.archive_queries.highlights(viewer.account_id, user_id)
    return ProfileHighlights(items=[HighlightEntry.of(one, deps.cdn_url) for one in shown])


@router.get(
    "/v1/users/{user_id}/highlights/{number}",
    auth=Auth.REQUIRED,
    rate=RateClass.READ,
    problems=[errors.HighlightNotFound, errors.AudienceUnavailable],
    summary="Get a highlight with its stories",
)
async def get_highlight(
    user_id: UserId, number: HighlightNumber, response: Response, viewer: Viewer, deps: Dependencies
) -> Highlight:
    """For those who see the account's posts."""
    response.headers["Cache-Control"] = PRIVATE
    shown = await deps.archive_queries.highlight(viewer.account_id, user_id, number)
    return Highlight.of(shown, deps.cdn_url)
