"""Reads for the API. Whom a viewer may see at all is asked of post with each read, so a block, a lost follow and a
deactivated account hold at once."""

from __future__ import annotations

from collections.abc import Sequence

from photomesh_shared.events import StoryPublished
from photomesh_shared.internal_api.post import SeenAccount
from photomesh_story.errors import StoryNotFound
from photomesh_story.stories.domain import Audience, SeenStory, ShownRing, Standing, View, in_viewing_order
from photomesh_story.stories.protocols import Accounts, Index, Tables

__all__ = ["StoryQueries"]


class StoryQueries:
    """Every method raises Unavailable."""

    def __init__(self, tables: Tables, index: Index, accounts: Accounts) -> None:
        self._tables = tables
        self._index = index
        self._accounts = accounts

    async def tray(self, viewer_id: int, limit: int) -> list[ShownRing]:
        """Accounts with stories: the viewer, then those with unseen ones (close friends first, then the newest), then
        the others."""
        rings = await self._index.tray(viewer_id, limit)
        seen = await self._accounts.seen(viewer_id, [ring.author_id for ring in rings]) if rings else {}
        return [
            ShownRing(account, ring, own=ring.author_id == viewer_id)
            for ring in rings
            if (account := seen.get(ring.author_id)) and _reads(viewer_id, account)
        ]

    async def stories_of(self, viewer_id: int, author_id: int) -> list[SeenStory]:
        """The stories of an account that the viewer may see, those that were not seen first; none for whatever
        reason."""
        account = (await self._accounts.seen(viewer_id, [author_id])).get(author_id)
        if account is None or not _reads(viewer_id, account):
            return []
        listed = in_viewing_order(await self._index.stories_of(author_id, viewer_id))
        stored = await self._tables.stories([one.story_id for one in listed])
        return [
            SeenStory(stored[one.story_id].story, one.unseen)
            for one in listed
            if one.story_id in stored and not stored[one.story_id].deleted
        ]

    async def visible(self, viewer_id: int, story_id: int) -> tuple[StoryPublished, Standing]:
        """A story that the viewer may see now. Raises StoryNotFound."""
        stored = await self._tables.story(story_id)
        if stored is None or stored.deleted:
            raise StoryNotFound
        story = stored.story
        if viewer_id != story.author_id:
            account = (await self._accounts.seen(viewer_id, [story.author_id])).get(story.author_id)
            if account is None or not account.followed:
                raise StoryNotFound
        standing = await self._index.standing(story, viewer_id)
        own = viewer_id == story.author_id
        if not standing.alive or not (own or story.audience == Audience.FOLLOWERS or standing.close):
            raise StoryNotFound
        return story, standing

    async def viewers(
        self, viewer_id: int, story_id: int, after: View | None, limit: int
    ) -> tuple[list[tuple[SeenAccount, View]], View | None]:
        """Who saw a story of the viewer's, the latest first, without accounts that the viewer may not be shown; and the
        last that was looked at, unless it is the end. Raises StoryNotFound."""
        story, _ = await self.visible(viewer_id, story_id)
        if story.author_id != viewer_id:
            raise StoryNotFound
        views = await self._index.viewers(story_id, after, limit)
        seen = await self._accounts.seen(viewer_id, [view.viewer_id for view in views]) if views else {}
        shown = [(seen[view.viewer_id], view) for view in views if view.viewer_id in seen]
        return shown, views[-1] if len(views) == limit else None

    async def view_count(self, story_id: int) -> int:
        """How many accounts saw a story."""
        return (await self._index.views([story_id]))[story_id]

    async def view_counts(self, viewer_id: int, stories: Sequence[StoryPublished]) -> dict[int, int]:
        """How many accounts saw those of the stories that are the viewer's."""
        own = [story.story_id for story in stories if story.author_id == viewer_id]
        return dict(await self._index.views(own)) if own else {}


def _reads(viewer_id: int, account: SeenAccount) -> bool:
    """Whether the viewer reads stories of an account that it may be shown: followers do, whether or not the account is
    private."""
    return account.followed or account.id == viewer_id
