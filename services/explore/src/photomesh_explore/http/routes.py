"""Routes: parse, one call, serialize."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query, Response

from photomesh_explore import errors
from photomesh_explore.feedback.domain import HomeState, Kind
from photomesh_explore.http.dependencies import Dependencies
from photomesh_explore.http.schemas import (
    AccountSuggestion,
    AccountSuggestions,
    ExploredPost,
    ExploreFeedback,
    ExploreFeedbackCreate,
    ExploreFeedbackList,
    ExploreReasons,
    ExploreTrends,
    HomeSuggestions,
    HomeSuggestionsUpdate,
    reason_of,
)
from photomesh_explore.pages.domain import Mode
from photomesh_shared.auth import Viewer
from photomesh_shared.http import PRIVATE, ApiRouter, Auth, Budget, Page, Paging, RateClass
from photomesh_shared.http.paging import Limit
from photomesh_shared.ids import PostId, UserId, encode

__all__ = ["router"]

router = ApiRouter(prefix="/v1/explore", tags=["explore"])

FeedbackId = Annotated[str, Path(pattern="^[0-9a-f]{16}$", description="`id` of the feedback.")]


@router.get(
    "",
    auth=Auth.REQUIRED,
    rate=RateClass.READ,
    paged=True,
    problems=[errors.ExploreUnavailable],
    summary="Explore posts",
)
async def explore(
    viewer: Viewer,
    deps: Dependencies,
    paging: Paging,
    personalised: Annotated[
        bool, Query(description="False: what trends, the same for everybody but for what you hide or have seen.")
    ] = True,
    interest: Annotated[
        list[Annotated[str, Query(max_length=100)]],
        Query(max_length=5, description="Hashtags that a new account chose, before it has liked anything."),
    ] = [],  # noqa: B006 - FastAPI copies it
) -> Page[ExploredPost]:
    """Returns posts of public accounts that you do not follow, by what you like and what trends; nothing that explore
    showed you before. At most two posts of an author, and three in ten with the same hashtag, are on a page. Without
    `cursor`, you get the next ones that you have not seen. A page whose cursor you send again within five minutes is
    the same, without what you may not see any more. A page may have fewer posts than `limit`; `next_cursor` is null
    when there is nothing left."""
    kind = f"explore:{encode('u', viewer.account_id)}"
    position = paging.position(kind)
    chosen = tuple(dict.fromkeys(tag.lstrip("#").lower() for tag in interest if tag.lstrip("#")))
    page = await deps.explore.page(
        viewer.account_id,
        Mode(personalised, chosen),
        (str(position[0]), int(position[1])) if position else None,
        paging.limit,
    )
    return paging.page(kind, [ExploredPost.of(one) for one in page.items], page.next_position)


@router.get(
    "/why/{post_id}",
    auth=Auth.REQUIRED,
    rate=RateClass.READ,
    problems=[errors.NotShownLately, errors.ExploreUnavailable],
    summary="Say why explore showed you a post",
)
async def explain(post_id: PostId, viewer: Viewer, deps: Dependencies, response: Response) -> ExploreReasons:
    """Of posts that it showed you in the last week, the latest 300."""
    source, about, author = await deps.explore.why(viewer.account_id, post_id)
    response.headers["Cache-Control"] = PRIVATE
    return ExploreReasons(post_id=post_id, reasons=[reason_of(source, about, author.username)])


@router.post(
    "/feedback",
    auth=Auth.REQUIRED,
    rate=RateClass.WRITE,
    budget=Budget.TOGGLES,
    problems=[
        errors.NotShownLately,
        errors.NoSuchHashtagOnPost,
        errors.TooMuchFeedback,
        errors.ExploreUnavailable,
    ],
    summary="Say what you want to see in explore",
)
async def give_feedback(
    body: ExploreFeedbackCreate, viewer: Viewer, deps: Dependencies, response: Response
) -> ExploreFeedback:
    """Acts on the next page. Only you see it, and you can take it back. Safe to repeat: saying something else about the
    same thing replaces it."""
    given = await deps.feedback.give(viewer.account_id, body.post_id, Kind(body.kind), body.tag)
    response.headers["Cache-Control"] = PRIVATE
    return ExploreFeedback.of(given)


@router.get(
    "/feedback",
    auth=Auth.REQUIRED,
    rate=RateClass.READ,
    problems=[errors.ExploreUnavailable],
    summary="List your feedback on explore",
)
async def list_feedback(viewer: Viewer, deps: Dependencies, response: Response) -> ExploreFeedbackList:
    """With the accounts that you dismissed."""
    response.headers["Cache-Control"] = PRIVATE
    return ExploreFeedbackList(items=[ExploreFeedback.of(one) for one in await deps.feedback.list(viewer.account_id)])


@router.delete(
    "/feedback/{feedback_id}",
    auth=Auth.REQUIRED,
    rate=RateClass.WRITE,
    status_code=204,
    problems=[errors.FeedbackNotFound, errors.ExploreUnavailable],
    summary="Take feedback on explore back",
)
async def remove_feedback(feedback_id: FeedbackId, viewer: Viewer, deps: Dependencies) -> None:
    """Acts on the next page."""
    await deps.feedback.remove(viewer.account_id, feedback_id)


@router.get(
    "/trends",
    auth=Auth.REQUIRED,
    rate=RateClass.READ,
    problems=[errors.ExploreUnavailable],
    summary="List trends",
)
async def list_trends(viewer: Viewer, deps: Dependencies, response: Response, limit: Limit = 10) -> ExploreTrends:
    """Hashtags and places of public posts, by how many accounts use them: each counts once, and less the longer ago it
    was. New accounts that nobody follows count as one."""
    hashtags, places = await deps.discovery.trends(viewer.account_id, limit)
    response.headers["Cache-Control"] = PRIVATE
    return ExploreTrends.of(hashtags, places)


@router.get(
    "/people",
    auth=Auth.REQUIRED,
    rate=RateClass.READ,
    problems=[errors.ExploreUnavailable],
    summary="Suggest accounts to follow",
)
async def suggest_people(
    viewer: Viewer, deps: Dependencies, response: Response, limit: Limit = 20
) -> AccountSuggestions:
    """Public accounts that those whom you follow follow, by how many of them do; then accounts that post with hashtags
    that you like. Nobody whom you follow, mute, block or dismissed."""
    found = await deps.discovery.people(viewer.account_id, limit)
    response.headers["Cache-Control"] = PRIVATE
    return AccountSuggestions(items=[AccountSuggestion.of(one) for one in found])


@router.delete(
    "/people/{user_id}",
    auth=Auth.REQUIRED,
    rate=RateClass.WRITE,
    budget=Budget.TOGGLES,
    status_code=204,
    problems=[errors.TooMuchFeedback, errors.ExploreUnavailable],
    summary="Dismiss a suggested account",
)
async def dismiss_person(user_id: UserId, viewer: Viewer, deps: Dependencies) -> None:
    """It is not suggested again, until you take that back in your feedback. Safe to repeat."""
    await deps.feedback.dismiss(viewer.account_id, user_id)


@router.get(
    "/home",
    auth=Auth.REQUIRED,
    rate=RateClass.READ,
    problems=[errors.ExploreUnavailable],
    summary="Say whether your home feed has suggested posts",
)
async def get_home_suggestions(viewer: Viewer, deps: Dependencies, response: Response) -> HomeSuggestions:
    """Of the ranked feed: up to one post in ten, each with its `suggestion`. The chronological feed never has any."""
    response.headers["Cache-Control"] = PRIVATE
    return HomeSuggestions.of(await deps.feedback.home(viewer.account_id))


@router.put(
    "/home",
    auth=Auth.REQUIRED,
    rate=RateClass.WRITE,
    budget=Budget.TOGGLES,
    problems=[errors.ExploreUnavailable],
    summary="Snooze suggested posts, or switch them off or on",
)
async def set_home_suggestions(
    body: HomeSuggestionsUpdate, viewer: Viewer, deps: Dependencies, response: Response
) -> HomeSuggestions:
    """Acts on the next page of the ranked feed. To snooze again starts another 30 days."""
    home = await deps.feedback.set_home(viewer.account_id, HomeState(body.state))
    response.headers["Cache-Control"] = PRIVATE
    return HomeSuggestions.of(home)
