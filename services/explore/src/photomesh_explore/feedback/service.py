"""Use cases: say what one wants to see, look at it, take it back."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from photomesh_explore.candidates.domain import PostInfo
from photomesh_explore.errors import FeedbackNotFound, NoSuchHashtagOnPost, NotShownLately, TooMuchFeedback
from photomesh_explore.feedback.domain import (
    HOME,
    MAX_FEEDBACK,
    Feedback,
    Home,
    HomeState,
    Kind,
    Rules,
    feedback_id_of,
    home_of,
    rules_of,
)
from photomesh_explore.feedback.event_log import FeedbackEventLog, FeedbackStore
from photomesh_shared.clock import Clock
from photomesh_shared.events import ExploreFeedbackGiven, ExploreFeedbackRemoved

__all__ = ["FeedbackService"]


class Posts(Protocol):
    """See `store.reader.CandidateReader`. Raises ExploreUnavailable."""

    async def posts(self, post_ids: Collection[int]) -> Mapping[int, PostInfo]: ...
    async def was_shown(self, viewer_id: int, post_id: int) -> bool: ...


class FeedbackService:
    """Every method raises Unavailable."""

    def __init__(self, store: FeedbackStore, log: FeedbackEventLog, posts: Posts, clock: Clock) -> None:
        self._store = store
        self._log = log
        self._posts = posts
        self._clock = clock

    async def give(self, account_id: int, post_id: int, kind: Kind, tag: str | None = None) -> Feedback:
        """Say something about a post that was shown. Raises NotShownLately, NoSuchHashtagOnPost, TooMuchFeedback."""
        post = (await self._posts.posts([post_id])).get(post_id)
        if post is None or not await self._posts.was_shown(account_id, post_id):
            raise NotShownLately
        tags = post.tags
        if kind == Kind.HIDE_TAG:
            if tag is None and len(tags) == 1:
                tag = tags[0]
            if tag is None or tag.lstrip("#").lower() not in tags:
                raise NoSuchHashtagOnPost
            tags = (tag.lstrip("#").lower(),)
        return await self._say(account_id, kind, post_id=post_id, author_id=post.author_id, tags=tags)

    async def dismiss(self, account_id: int, other_id: int) -> None:
        """Do not suggest an account again. Raises TooMuchFeedback."""
        await self._say(account_id, Kind.DISMISS_ACCOUNT, author_id=other_id)

    async def home(self, account_id: int) -> Home:
        """Return whether the account wants suggested posts at home."""
        given, _ = await self._store.given(account_id)
        return home_of(given, self._clock.now())

    async def set_home(self, account_id: int, state: HomeState) -> Home:
        """Idempotent, but that a snooze begins again. There is always room for it."""
        if state == HomeState.ON:
            given, revision = await self._store.given(account_id)
            for one in given:
                if one.kind in HOME:
                    await self._end(account_id, one.feedback_id, revision)
            return Home()
        kind = Kind.SNOOZE_HOME if state == HomeState.SNOOZED else Kind.HIDE_HOME
        return home_of([await self._say(account_id, kind)], self._clock.now())

    async def _say(
        self,
        account_id: int,
        kind: Kind,
        *,
        post_id: int | None = None,
        author_id: int | None = None,
        tags: tuple[str, ...] = (),
    ) -> Feedback:
        tag = tags[0] if kind == Kind.HIDE_TAG else None
        feedback_id = feedback_id_of(kind, post_id=post_id, author_id=author_id, tag=tag)
        given, revision = await self._store.given(account_id)
        if kind not in HOME and len(given) >= MAX_FEEDBACK and all(one.feedback_id != feedback_id for one in given):
            raise TooMuchFeedback
        version = self._log.version_after(revision)
        event = ExploreFeedbackGiven(
            account_id=account_id,
            feedback_id=feedback_id,
            kind=kind,
            post_id=post_id,
            author_id=author_id,
            tags=tags,
            given_at=self._clock.now(),
        )
        await self._log.commit(event, version)
        return Feedback(feedback_id, kind, version, post_id, author_id, tags)

    async def list(self, account_id: int) -> Sequence[Feedback]:
        """Return what stands, the latest first; without what was said of suggestions at home, which `home` has."""
        return [one for one in (await self._store.given(account_id))[0] if one.kind not in HOME]

    async def rules(self, account_id: int) -> Rules:
        given, revision = await self._store.given(account_id)
        return rules_of(given, revision)

    async def home_rules(self, account_id: int) -> Rules | None:
        """Return the rules; None if the account wants no suggested posts at home."""
        given, revision = await self._store.given(account_id)
        wanted = home_of(given, self._clock.now()).state == HomeState.ON
        return rules_of(given, revision) if wanted else None

    async def remove(self, account_id: int, feedback_id: str) -> None:
        """Take something back. Raises FeedbackNotFound."""
        given, revision = await self._store.given(account_id)
        if all(one.feedback_id != feedback_id for one in given):
            raise FeedbackNotFound
        await self._end(account_id, feedback_id, revision)

    async def remove_all(self, account_id: int) -> int:
        """Take everything back; for an erasure. Idempotent. Returns how much it was."""
        given, revision = await self._store.given(account_id)
        for one in given:
            await self._end(account_id, one.feedback_id, revision)
        return len(given)

    async def _end(self, account_id: int, feedback_id: str, revision: int) -> None:
        event = ExploreFeedbackRemoved(account_id=account_id, feedback_id=feedback_id, removed_at=self._clock.now())
        await self._log.commit(event, self._log.version_after(revision))
