"""The rows of posts are the same in whatever order and however often events are applied."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from photomesh_post.posts.domain import Post, PostStatus
from photomesh_post.posts.projection import PostEvent, post_of, ref_of, rows_of
from photomesh_post.tables.rows import month_of
from photomesh_shared import ids
from photomesh_shared.events import Envelope, PostCreated, PostDeleted, PostEdited, PostFailed, PostPublished
from photomesh_shared.events.versions import version_at
from tests.support.post.memory_tables import MemoryTables, applied, shuffled

POST = PostCreated.example().post_id
AUTHOR = PostCreated.example().author_id
FIRST = version_at(ids.timestamp_of(POST))


def life_of_a_post() -> list[Envelope[PostEvent]]:
    """Created, edited, published, edited again; and what cannot happen beside that: failed as well."""
    created, edited = PostCreated.example(), PostEdited.example()
    facts: list[tuple[PostEvent, int]] = [
        (created, 0),
        (edited, 10),
        (PostFailed.example(), 20),
        (PostPublished.example(), 30),
        (edited.model_copy(update={"caption": "Last words", "hashtags": (), "place": None}), 40),
    ]
    return [Envelope.of(event, entityversion=FIRST + later) for event, later in facts]


def deletion(version: int) -> Envelope[PostEvent]:
    return Envelope.of(PostDeleted.example(), entityversion=version)


def tables_after(events: list[Envelope[PostEvent]]) -> MemoryTables:
    return applied(rows_of(envelope) for envelope in events)


def post_in(tables: MemoryTables) -> Post | None:
    row = tables.row("posts", post_id=POST)
    return post_of(row) if row else None


@settings(max_examples=200, deadline=None)
@given(st.booleans(), st.integers())
def test_any_order(is_deleted: bool, seed: int) -> None:
    events = [*life_of_a_post(), *([deletion(FIRST + 35)] if is_deleted else [])]
    assert tables_after(shuffled(events, seed)) == tables_after(events)


def test_a_deleted_post_stays_deleted_and_blank_whatever_arrives_later() -> None:
    late: Envelope[PostEvent] = Envelope.of(PostEdited.example(), entityversion=FIRST + 1_000_000_000)
    tables = tables_after([*life_of_a_post(), deletion(FIRST + 50), late, *life_of_a_post()])
    post = post_in(tables)
    assert post is not None
    assert post.deleted
    assert (post.caption, post.hashtags, post.mentions, post.place, post.photos) == ("", (), (), None, ())
    assert post.alt_texts == {}
    listed = tables.row("posts_by_author", author_id=AUTHOR, month=month_of(POST), post_id=POST)
    assert listed is not None
    assert ref_of(listed) is None


def test_rows_hold_what_the_events_say() -> None:
    post = post_in(tables_after(life_of_a_post()))
    created, published = PostCreated.example(), PostPublished.example()
    assert post is not None
    assert post.status is PostStatus.PUBLISHED
    assert post.photos == published.photos
    assert post.version == FIRST + 40
    assert (post.caption, post.place, post.mentions) == ("Last words", None, ())
    assert post.photo_ids == created.photo_ids
    assert post.created_at == created.created_at


def test_partial_events_from_before_wait_for_the_first() -> None:
    partial = PostEdited.example().model_copy(
        update={"created_at": None, "published_at": None, "photos": (), "reason": None}
    )
    assert post_in(tables_after([Envelope.of(partial, entityversion=FIRST + 10)])) is None
    late: Envelope[PostEvent] = Envelope.of(PostCreated.example(), entityversion=FIRST)
    post = post_in(tables_after([Envelope.of(partial, entityversion=FIRST + 10), late]))
    assert post is not None
    assert post.caption == partial.caption


def test_months() -> None:
    assert month_of(POST) == 202611
