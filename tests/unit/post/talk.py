"""Events of comments and saves, and a world in which people talk and keep things."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from photomesh_post.comments.domain import CommentView
from photomesh_post.comments.event_log import CommentCounting, Commenting
from photomesh_post.comments.service import CommentService
from photomesh_post.posts.captions import CommentText
from photomesh_post.posts.queries import Patience, Views
from photomesh_post.saves.event_log import Saving
from photomesh_post.saves.service import SavedPosts, SaveService
from photomesh_shared import ids
from photomesh_shared.events import CommentCreated, CommentDeleted, Envelope, Event
from tests.unit.post.fake_comments import MemoryComments
from tests.unit.post.fake_saves import MemorySaves
from tests.unit.post.fakes import Log
from tests.unit.post.world import ADA, GRACE, World

__all__ = ["Talk", "commented", "uncommented"]


def commented(
    post_id: int, comment_id: int, account_id: int = GRACE, *, parent_id: int | None = None, text: str = "Lovely"
) -> Envelope[CommentCreated]:
    event = CommentCreated.example().model_copy(
        update={
            "post_id": post_id,
            "account_id": account_id,
            "comment_id": comment_id,
            "parent_id": parent_id,
            "parent_author_id": account_id if parent_id else None,
            "text": text,
            "mentions": (),
        }
    )
    return Envelope.of(event, entityversion=_microseconds(ids.timestamp_of(comment_id)))


def uncommented(
    post_id: int, comment_id: int, account_id: int = GRACE, *, parent_id: int | None = None
) -> Envelope[CommentDeleted]:
    event = CommentDeleted.example().model_copy(
        update={"post_id": post_id, "account_id": account_id, "comment_id": comment_id, "parent_id": parent_id}
    )
    return Envelope.of(event, entityversion=_microseconds(ids.timestamp_of(comment_id)) + 1)


def _microseconds(time: datetime) -> int:
    return (time - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


@dataclass
class Talk(World):
    """`said` and `kept` are the logs of comments and saves."""

    comment_rows: MemoryComments = field(default_factory=MemoryComments)
    save_rows: MemorySaves = field(default_factory=MemorySaves)
    said: Log = field(default_factory=Log)
    kept: Log = field(default_factory=Log)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.saved_posts = SavedPosts(self.save_rows, self.liking)
        patience = Patience(self.clock, young=timedelta(days=1), wait=timedelta(seconds=2))
        self.views = Views(self.store, self.visibility, patience, self.saved_posts)
        commenting = Commenting(self.comment_rows, self.said, self.clock)
        self.comments = CommentService(
            self.comment_rows, commenting, self.visibility, self.liking, self.ids, self.clock
        )
        self.comment_counting = CommentCounting(commenting, self.announcements)
        self.saving = Saving(self.save_rows, self.kept, self.clock)
        self.saves = SaveService(self.save_rows, self.saving, self.visibility, self.views, self.ids, self.clock)

    async def published(self, author_id: int = ADA) -> int:
        return await self.post(await self.photo(author_id), author_id=author_id)

    async def comment(self, who: int, post_id: int, text: str = "Lovely", parent_id: int | None = None) -> CommentView:
        await self.clock.advance(0.01)
        return await self.comments.write(who, post_id, CommentText.checked(text), parent_id)

    async def count(self, *envelopes: Envelope[Event]) -> None:
        """What the consumer does with these comments, or with all that were made."""
        await self.comment_counting.comments(list(envelopes or self.said.events))  # type: ignore[arg-type] # the log holds comments only

    async def resort(self, *envelopes: Envelope[Event]) -> None:
        """What the consumer does with these events of saves, or with all that were made."""
        for envelope in envelopes or self.kept.events:
            await self.saving.apply(envelope)  # type: ignore[arg-type] # the log holds saves only

    async def texts(self, who: int | None, post_id: int) -> list[str]:
        return [view.text for view in (await self.comments.of_post(who, post_id, before=None, limit=50))[0]]

    async def replies(self, who: int | None, comment_id: int) -> list[str]:
        return [view.text for view in (await self.comments.replies(who, comment_id, after=None, limit=50))[0]]

    async def saved(self, who: int) -> list[int]:
        return [view.post.id for view in (await self.saves.saved(who, before=None, limit=50))[0]]

    async def inside(self, who: int, collection_id: int) -> list[int]:
        found, _ = await self.saves.in_collection(who, collection_id, before=None, limit=50)
        return [view.post.id for view in found]

    async def sizes(self, who: int) -> dict[str, int]:
        views, _ = await self.saves.collections(who, before=None, limit=50)
        return {view.collection.name: view.collection.posts for view in views}
