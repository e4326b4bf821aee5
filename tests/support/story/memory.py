"""Stories in memory: the oracle that Redis is compared with, and stand-ins for use cases."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from photomesh_shared.errors import Unavailable
from photomesh_shared.events import (
    Envelope,
    Event,
    PhotoReady,
    Record,
    StoryDeleted,
    StoryPublished,
    StoryViewed,
    Variant,
)
from photomesh_shared.internal_api.post import SeenAccount
from photomesh_story.archive.domain import ArchivedStory, Highlight, highlight_variants
from photomesh_story.replies.domain import Reply, ReplyPosition
from photomesh_story.stories.domain import (
    Audience,
    Claim,
    ListedStory,
    Ring,
    Standing,
    StoredStory,
    View,
    moment_of,
    ms_of,
)

DAY_MS = 86_400_000
START_MS = 1_795_255_200_000


@dataclass
class Time:
    """The one clock, moved by hand."""

    ms: int = START_MS

    def now_ms(self) -> int:
        return self.ms

    def now(self) -> datetime:
        return moment_of(self.ms)

    def monotonic(self) -> float:
        return self.ms / 1000

    async def sleep(self, seconds: float) -> None:
        self.ms += int(seconds * 1000)


@dataclass
class MemoryIndex:
    """What `store.index.StoryIndex` answers, by the plainest rules."""

    time: Time
    known: dict[int, tuple[int, bool, int]] = field(default_factory=dict)
    """By story: author, for close friends, when it expires."""
    gone: set[int] = field(default_factory=set)
    relations: dict[tuple[str, int, int], tuple[int, bool]] = field(default_factory=dict)
    seen: dict[tuple[int, int], int] = field(default_factory=dict)
    first: dict[int, dict[int, int]] = field(default_factory=dict)
    waiting: dict[int, int] = field(default_factory=dict)

    async def now_ms(self) -> int:
        return self.time.ms

    def _of(self, author_id: int, viewer_id: int) -> list[tuple[int, int, bool]]:
        friend = author_id == viewer_id or self._is("close_friends", viewer_id, author_id)
        return sorted(
            (expires, story, close)
            for story, (author, close, expires) in self.known.items()
            if author == author_id and story not in self.gone and expires > self.time.ms and (friend or not close)
        )

    def _is(self, kind: str, account_id: int, other_id: int) -> bool:
        return self.relations.get((kind, account_id, other_id), (0, False))[1]

    async def published_in_a_day(self, author_id: int) -> int:
        return sum(author == author_id and expires > self.time.ms for author, _, expires in self.known.values())

    async def tray(self, viewer_id: int, limit: int) -> list[Ring]:
        own, others = [], []
        for author_id in sorted({author for author, _, _ in self.known.values()}):
            stories = self._of(author_id, viewer_id)
            if not stories:
                continue
            expires, story, close = stories[-1]
            if author_id == viewer_id:
                own.append(Ring(author_id, story, expires, close, unseen=False))
            elif self._is("follows", viewer_id, author_id):
                unseen = expires > self.seen.get((viewer_id, author_id), 0)
                others.append(Ring(author_id, story, expires, close, unseen))
        others.sort(
            key=lambda ring: (not ring.unseen, ring.unseen and not ring.close, -ring.expires_ms, str(ring.author_id))
        )
        return [*own, *others][:limit]

    async def stories_of(self, author_id: int, viewer_id: int) -> list[ListedStory]:
        seen = self.seen.get((viewer_id, author_id), 0)
        return [
            ListedStory(story, expires, author_id != viewer_id and expires > seen)
            for expires, story, _ in reversed(self._of(author_id, viewer_id))
        ]

    async def standing(self, story: StoryPublished, viewer_id: int) -> Standing:
        author, _, expires = self.known.get(story.story_id, (0, False, 0))
        alive = author == story.author_id and story.story_id not in self.gone and expires > self.time.ms
        close = viewer_id == story.author_id or self._is("close_friends", viewer_id, story.author_id)
        return Standing(self.time.ms, alive, close, viewer_id in self.first.get(story.story_id, {}))

    async def published(self, story: StoryPublished) -> None:
        expires = ms_of(story.expires_at)
        self.known.setdefault(story.story_id, (story.author_id, story.audience != Audience.FOLLOWERS, expires))
        self.waiting.setdefault(story.story_id, expires)

    async def deleted(self, event: StoryDeleted) -> None:
        end = (event.author_id, event.audience != Audience.FOLLOWERS, ms_of(event.expires_at))
        self.known.setdefault(event.story_id, end)
        self.gone.add(event.story_id)
        self.first.pop(event.story_id, None)
        self.waiting[event.story_id] = 0

    async def viewed(self, view: StoryViewed) -> None:
        pair = (view.viewer_id, view.author_id)
        self.seen[pair] = max(self.seen.get(pair, 0), ms_of(view.expires_at))
        views = self.first.setdefault(view.story_id, {})
        at = ms_of(view.viewed_at)
        views[view.viewer_id] = min(views.get(view.viewer_id, at), at)

    async def views(self, story_ids: Collection[int]) -> Mapping[int, int]:
        return {story_id: len(self.first.get(story_id, {})) for story_id in story_ids}

    async def viewers(self, story_id: int, after: View | None, limit: int) -> list[View]:
        views = [View(viewer, at) for viewer, at in self.first.get(story_id, {}).items()]
        views.sort(key=lambda view: (view.at_ms, str(view.viewer_id)), reverse=True)
        if after:
            place = (after.at_ms, str(after.viewer_id))
            views = [view for view in views if (view.at_ms, str(view.viewer_id)) < place]
        return views[:limit]

    async def seen_by(self, viewer_id: int) -> Mapping[int, int]:
        return {author: at for (viewer, author), at in self.seen.items() if viewer == viewer_id}

    async def relation(self, kind: str, account_id: int, other_id: int, version: int, *, active: bool) -> None:
        if version >= self.relations.get((kind, account_id, other_id), (-1, False))[0]:
            self.relations[kind, account_id, other_id] = (version, active)

    async def due(self, limit: int, lease_ms: int) -> list[int]:
        found = sorted((at, str(story_id), story_id) for story_id, at in self.waiting.items() if at <= self.time.ms)[
            :limit
        ]
        for _, _, story_id in found:
            self.waiting[story_id] = self.time.ms + lease_ms
        return [story_id for _, _, story_id in found]

    async def due_again(self, story_id: int, at_ms: int) -> None:
        self.waiting[story_id] = at_ms

    async def done(self, story_id: int) -> None:
        self.waiting.pop(story_id, None)

    async def forget(self, account_id: int, story_ids: Collection[int]) -> None:
        for story_id, (author, _, _) in list(self.known.items()):
            self.first.get(story_id, {}).pop(account_id, None)
            if author == account_id:
                del self.known[story_id]
        for story_id in story_ids:
            self.first.pop(story_id, None)
        for pair in [pair for pair in self.seen if pair[0] == account_id]:
            del self.seen[pair]
        for key in [key for key in self.relations if key[1] == account_id]:
            del self.relations[key]


@dataclass
class MemoryTables:
    """What `store.tables.CassandraStories` answers."""

    photos: dict[tuple[int, int], PhotoReady] = field(default_factory=dict)
    claims: dict[int, Claim] = field(default_factory=dict)
    rows: dict[int, StoredStory] = field(default_factory=dict)
    deleted_ids: set[int] = field(default_factory=set)
    swept_ids: set[int] = field(default_factory=set)
    authors: dict[int, int] = field(default_factory=dict)
    ended: set[int] = field(default_factory=set)

    async def add_photo(self, photo: PhotoReady, version: int) -> None:
        self.photos[photo.owner_id, photo.photo_id] = photo

    async def photo(self, owner_id: int, photo_id: int) -> PhotoReady | None:
        return self.photos.get((owner_id, photo_id))

    async def photos_of(self, owner_id: int) -> AsyncIterator[PhotoReady]:
        for (owner, _), photo in list(self.photos.items()):
            if owner == owner_id:
                yield photo

    async def claim(self, owner_id: int, photo_id: int, claim: Claim) -> Claim:
        return self.claims.setdefault(photo_id, claim)

    async def published(self, story: StoryPublished, version: int) -> None:
        self.rows.setdefault(story.story_id, StoredStory(story))

    async def deleted(self, author_id: int, story_id: int) -> None:
        self.deleted_ids.add(story_id)
        self.authors[story_id] = author_id

    async def swept(self, story_id: int) -> None:
        self.swept_ids.add(story_id)

    async def story(self, story_id: int) -> StoredStory | None:
        return (await self.stories([story_id])).get(story_id)

    async def stories(self, story_ids: Collection[int]) -> Mapping[int, StoredStory]:
        return {
            key: replace(self.rows[key], deleted=key in self.deleted_ids, swept=key in self.swept_ids)
            for key in story_ids
            if key in self.rows
        }

    async def author_of(self, story_id: int) -> int | None:
        return self.rows[story_id].story.author_id if story_id in self.rows else self.authors.get(story_id)

    async def is_deleted(self, story_id: int) -> bool:
        return story_id in self.deleted_ids

    async def story_ids_of(self, author_id: int) -> Sequence[int]:
        return sorted(key for key, row in self.rows.items() if row.story.author_id == author_id)

    async def forget_account(self, account_id: int) -> None:
        for key in await self.story_ids_of(account_id):
            del self.rows[key]
        for pair in [pair for pair in self.photos if pair[0] == account_id]:
            del self.photos[pair]

    async def mark_ended(self, account_id: int) -> None:
        self.ended.add(account_id)

    async def is_ended(self, account_id: int) -> bool:
        return account_id in self.ended


@dataclass
class MemoryReplies:
    """What `store.replies.CassandraReplies` answers."""

    rows: dict[tuple[int, ReplyPosition], Reply] = field(default_factory=dict)
    removed: set[tuple[int, ReplyPosition]] = field(default_factory=set)
    ended: set[int] = field(default_factory=set)

    async def add(self, reply: Reply, version: int) -> None:
        self.rows[reply.story_id, reply.position] = reply

    async def remove(self, story_id: int, position: ReplyPosition) -> None:
        self.removed.add((story_id, position))

    async def remove_all(self, story_id: int) -> None:
        self.ended.add(story_id)

    def _all(self) -> list[Reply]:
        return sorted(
            (row for key, row in self.rows.items() if key not in self.removed and key[0] not in self.ended),
            key=lambda row: row.position,
            reverse=True,
        )

    async def of_story(self, story_id: int, after: ReplyPosition | None, limit: int) -> Sequence[Reply]:
        found = [row for row in self._all() if row.story_id == story_id and (after is None or row.position < after)]
        return found[:limit]

    async def of_account(self, account_id: int, story_id: int | None = None) -> Sequence[Reply]:
        return [row for row in self._all() if row.account_id == account_id and story_id in (None, row.story_id)]

    async def forget_account(self, account_id: int) -> None:
        pass  # its replies are removed one by one


@dataclass
class MemoryArchive:
    """What `store.archive.CassandraArchive` answers."""

    rows: dict[tuple[int, int], ArchivedStory] = field(default_factory=dict)
    marked: set[tuple[int, int]] = field(default_factory=set)
    removed: set[tuple[int, int]] = field(default_factory=set)
    shown: dict[tuple[int, int], Highlight] = field(default_factory=dict)
    unwanted: set[int] = field(default_factory=set)

    async def is_wanted(self, author_id: int) -> bool:
        return author_id not in self.unwanted

    async def want(self, author_id: int, *, wanted: bool) -> None:
        if wanted:
            self.unwanted.discard(author_id)
        else:
            self.unwanted.add(author_id)

    async def add(self, story: StoryPublished, photo: PhotoReady) -> None:
        key = (story.author_id, story.story_id)
        if key not in self.removed:
            self.rows.setdefault(key, ArchivedStory(story, photo))

    async def mark_deleted(self, author_id: int, story_id: int) -> None:
        self.marked.add((author_id, story_id))

    async def remove(self, author_id: int, story_id: int) -> None:
        self.removed.add((author_id, story_id))
        self.rows.pop((author_id, story_id), None)

    async def story(self, author_id: int, story_id: int) -> ArchivedStory | None:
        return (await self.stories(author_id, [story_id])).get(story_id)

    async def stories(self, author_id: int, story_ids: Collection[int]) -> Mapping[int, ArchivedStory]:
        return {
            key: replace(self.rows[author_id, key], deleted=(author_id, key) in self.marked)
            for key in story_ids
            if (author_id, key) in self.rows
        }

    async def page(self, author_id: int, before: int | None, limit: int) -> Sequence[ArchivedStory]:
        ids = sorted((key for author, key in self.rows if author == author_id), reverse=True)
        found = await self.stories(author_id, [key for key in ids if before is None or key < before][:limit])
        return list(found.values())

    async def every(self, author_id: int) -> AsyncIterator[ArchivedStory]:
        for one in await self.page(author_id, None, 1_000):
            yield one

    async def claim_token(self, author_id: int, story_id: int, token: str) -> str:
        row = self.rows[author_id, story_id]
        self.rows[author_id, story_id] = replace(row, token=row.token or token)
        return row.token or token

    async def drop_token(self, author_id: int, story_id: int) -> None:
        self.rows[author_id, story_id] = replace(self.rows[author_id, story_id], token=None)

    async def highlights(self, author_id: int) -> Sequence[Highlight]:
        return [one for (author, _), one in sorted(self.shown.items()) if author == author_id]

    async def highlight(self, author_id: int, number: int) -> Highlight | None:
        return self.shown.get((author_id, number))

    async def write_highlight(self, author_id: int, highlight: Highlight) -> None:
        self.shown[author_id, highlight.number] = highlight

    async def remove_highlight(self, author_id: int, number: int) -> None:
        self.shown.pop((author_id, number), None)

    async def forget_account(self, account_id: int) -> None:
        self.unwanted.discard(account_id)
        for table in (self.rows, self.shown):
            for key in [key for key in table if key[0] == account_id]:
                del table[key]


@dataclass
class MemoryBytes:
    """Object storage and the CDN. `away`: they do not answer."""

    public: dict[str, datetime] = field(default_factory=dict)
    forgotten: list[int] = field(default_factory=list)
    highlighted: set[str] = field(default_factory=set)
    away: bool = False

    async def publish(self, photo: PhotoReady, token: str, expires_at: datetime) -> tuple[Variant, ...]:
        self._answer()
        made = tuple(
            variant.model_copy(update={"key": f"s/{int(expires_at.timestamp())}/{token}/{variant.size}.jpg"})
            for variant in photo.variants
        )
        self.public.update(dict.fromkeys((variant.key for variant in made), expires_at))
        return made

    async def remove(self, variants: Sequence[Variant]) -> None:
        self._answer()
        for variant in variants:
            self.public.pop(variant.key, None)

    async def publish_highlight(self, photo: PhotoReady, token: str) -> None:
        self._answer()
        self.highlighted.update(size.key for size in highlight_variants(photo, token))

    async def remove_highlight(self, photo: PhotoReady, token: str) -> None:
        self._answer()
        self.highlighted.difference_update(size.key for size in highlight_variants(photo, token))

    async def private_urls(self, photo: PhotoReady) -> Mapping[int, str]:
        return {size.size: f"http://storage.test/{size.key}?signed" for size in photo.variants}

    async def forget(self, photo_id: int, upload_id: int) -> None:
        self._answer()
        self.forgotten.append(photo_id)

    def _answer(self) -> None:
        if self.away:
            raise Unavailable


@dataclass
class MemoryAccounts:
    """Whom post shows to whom: everybody, except across a block and accounts that are hidden."""

    follows: set[tuple[int, int]] = field(default_factory=set)
    apart: set[tuple[int, int]] = field(default_factory=set)
    hidden: set[int] = field(default_factory=set)
    private: set[int] = field(default_factory=set)

    async def seen(self, viewer_id: int, account_ids: Collection[int]) -> Mapping[int, SeenAccount]:
        return {
            account_id: SeenAccount(
                id=account_id,
                username=f"user{account_id}",
                display_name=None,
                avatar_url=None,
                followed=(viewer_id, account_id) in self.follows,
                open=viewer_id == account_id
                or account_id not in self.private
                or (viewer_id, account_id) in self.follows,
            )
            for account_id in account_ids
            if account_id == viewer_id
            or not (account_id in self.hidden or self.apart & {(viewer_id, account_id), (account_id, viewer_id)})
        }


@dataclass
class MemoryLog:
    """`lost`: whether the next events are in the log although nobody says so."""

    events: list[Envelope[Event]] = field(default_factory=list)
    lost: list[bool] = field(default_factory=list)

    async def publish(self, envelope: Envelope[Event]) -> None:
        if not self.lost:
            self.events.append(envelope)
            return
        if self.lost.pop(0):
            self.events.append(envelope)
        raise Unavailable

    async def publish_many(self, envelopes: Sequence[Envelope[Event]]) -> None:
        for envelope in envelopes:
            await self.publish(envelope)

    async def send(self, records: Sequence[Record]) -> None:
        raise AssertionError("only events are published")

    def types(self) -> list[str]:
        return [envelope.data.type_.split(".")[-2] for envelope in self.events]
