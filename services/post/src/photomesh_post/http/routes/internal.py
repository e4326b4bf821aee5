"""Operations for other services. Except for sightings they are without visibility rules: the callers decide who sees
what."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import Query

from photomesh_post.accounts.domain import Author, Relation
from photomesh_post.counts.domain import Reactions
from photomesh_post.http.dependencies import Dependencies
from photomesh_post.photos.domain import PhotoStatus
from photomesh_post.posts.domain import Post
from photomesh_post.sightings.domain import smallest
from photomesh_shared.events import Variant
from photomesh_shared.http import InternalRouter
from photomesh_shared.ids import UserId
from photomesh_shared.internal_api.export import GET_EXPORT_PAGE, ExportPage, ExportQuery
from photomesh_shared.internal_api.post import (
    GET_ACCOUNTS,
    GET_POST_COUNT,
    GET_POSTS,
    GET_SIGHTINGS,
    GET_TIMELINES,
    GET_VIEWER_STATE,
    PUT_ACCOUNT,
    PUT_RELATIONS,
    Account,
    Accounts,
    AccountsQuery,
    PostCount,
    Posts,
    PostSnapshot,
    PostsQuery,
    SeenAccount,
    SeenComment,
    SeenPhoto,
    SeenPost,
    Sightings,
    SightingsQuery,
    Timelines,
    TimelinesQuery,
    ViewerState,
    ViewerStateQuery,
)
from photomesh_shared.internal_api.states import AccountState, RelationStates, StoredAccount, StoredRelations

__all__ = ["router"]

router = InternalRouter()


def _snapshot(post: Post, reactions: Reactions) -> PostSnapshot:
    assert post.published_at is not None
    texts = post.alt_texts
    return PostSnapshot(
        post_id=post.id,
        author_id=post.author_id,
        photos=tuple(photo.model_copy(update={"alt_text": texts.get(photo.photo_id)}) for photo in post.photos),
        caption=post.caption,
        hashtags=post.hashtags,
        mentions=post.mentions,
        place=post.place,
        entities=post.entities,
        created_at=post.created_at,
        published_at=post.published_at,
        edited_at=post.edited_at,
        version=post.version,
        deleted=False,
        like_count=reactions.likes,
        comment_count=reactions.comments,
        counts_version=reactions.versions.counts,
    )


@router.serves(GET_POSTS)
async def get_posts(query: Annotated[PostsQuery, Query()], deps: Dependencies) -> Posts:
    (posts, deleted), reactions = await asyncio.gather(
        deps.snapshots.posts(query.ids), deps.like_queries.reactions(None, set(query.ids))
    )
    return Posts(posts=[_snapshot(post, reactions[post.id]) for post in posts], deleted=deleted)


@router.serves(GET_TIMELINES)
async def get_timelines(body: TimelinesQuery, deps: Dependencies) -> Timelines:
    timelines = await deps.snapshots.timelines(body.author_ids, before=body.before, limit=body.limit)
    return Timelines(timelines=timelines)


@router.serves(GET_VIEWER_STATE)
async def get_viewer_state(body: ViewerStateQuery, deps: Dependencies) -> ViewerState:
    found = await deps.post_reactions.reactions(body.account_id, body.post_ids)
    return ViewerState(
        liked=[post_id for post_id, one in found.items() if one.liked],
        saved=[post_id for post_id, one in found.items() if one.saved],
        like_versions={post_id: one.versions.like for post_id, one in found.items() if one.versions.like},
        save_versions={post_id: one.versions.save for post_id, one in found.items() if one.versions.save},
    )


@router.serves(GET_ACCOUNTS)
async def get_accounts(query: Annotated[AccountsQuery, Query()], deps: Dependencies) -> Accounts:
    authors = await deps.accounts.authors(query.ids)
    return Accounts(
        accounts=[
            Account(
                id=author.id,
                username=author.username,
                display_name=author.display_name,
                avatar_url=author.avatar_url,
                hidden=author.hidden,
            )
            for author in authors.values()
        ]
    )


@router.serves(GET_POST_COUNT)
async def get_post_count(account_id: UserId, deps: Dependencies) -> PostCount:
    return PostCount(posts=await deps.snapshots.count_by_author(account_id))


def _smallest_url(variants: tuple[Variant, ...], cdn_url: str) -> str | None:
    variant = smallest(variants)
    return f"{cdn_url}/{variant.key}" if variant else None


@router.serves(GET_SIGHTINGS)
async def get_sightings(body: SightingsQuery, deps: Dependencies) -> Sightings:
    found = await deps.sightings.sightings(
        body.viewer_id,
        account_ids=body.account_ids,
        post_ids=body.post_ids,
        comment_ids=body.comment_ids,
        likers=body.likers,
        photo_ids=body.photo_ids,
        counted_ids=[*body.counted_post_ids, *body.counted_comment_ids],
    )
    return Sightings(
        accounts=[
            SeenAccount(
                id=author.id,
                username=author.username,
                display_name=author.display_name,
                avatar_url=author.avatar_url,
                followed=standing.follows,
                open=standing.sees(author),
            )
            for author, standing in found.accounts.values()
            if author.username is not None
        ],
        posts=[
            SeenPost(
                id=post.id,
                author_id=post.author_id,
                photo_url=_smallest_url(post.photos[0].variants, deps.cdn_url) if post.photos else None,
                reason=post.reason,
                like_count=found.likes.get(post.id),
            )
            for post in found.posts.values()
        ],
        comments=[
            SeenComment(
                id=seen.comment.id,
                post_id=seen.comment.post_id,
                author_id=seen.comment.author_id,
                excerpt=seen.excerpt,
                hidden_ids=sorted(seen.hidden_ids),
                like_count=found.likes.get(seen.comment.id),
            )
            for seen in found.comments.values()
        ],
        photos=[
            SeenPhoto(
                id=photo.id,
                photo_url=_smallest_url(photo.variants, deps.cdn_url) if photo.status is PhotoStatus.READY else None,
                reason=photo.reason if photo.status.is_unusable else None,
            )
            for photo in found.photos.values()
        ],
    )


@router.serves(PUT_ACCOUNT)
async def put_account(account_id: UserId, state: AccountState, deps: Dependencies) -> StoredAccount:
    author = Author(
        account_id,
        state.username,
        state.display_name,
        state.avatar_url,
        state.private,
        state.status,
        state.mentionable_by,
    )
    await deps.account_states.store_account(author, state.version)
    return StoredAccount(version=state.version)


@router.serves(PUT_RELATIONS)
async def put_relations(body: RelationStates, deps: Dependencies) -> StoredRelations:
    relations = [
        Relation(one.account_id, one.other_id, one.version, follows=one.follows, blocks=one.blocks)
        for one in body.relations
    ]
    await deps.account_states.store_relations(relations)
    return StoredRelations(stored=len(relations))


@router.serves(GET_EXPORT_PAGE)
async def get_export_page(account_id: UserId, query: Annotated[ExportQuery, Query()], deps: Dependencies) -> ExportPage:
    return await deps.exports.page(account_id, query)
