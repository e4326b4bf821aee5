"""Register, upload, post, edit, follow, read the feed, comment and page, with the client that openapi-python-client
generates."""

from __future__ import annotations

import secrets
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

import httpx

from photomesh_api_client import AuthenticatedClient, Client
from photomesh_api_client.api.accounts import register_account
from photomesh_api_client.api.comments import list_comments, write_comment
from photomesh_api_client.api.feed import get_feed
from photomesh_api_client.api.people import follow
from photomesh_api_client.api.photos import get_photo
from photomesh_api_client.api.posts import create_post, edit_post, get_post
from photomesh_api_client.api.uploads import complete_upload, create_upload
from photomesh_api_client.models import (
    AccountCreate,
    AccountSession,
    AltText,
    AltTextUpdate,
    Comment,
    CommentCreate,
    CommentPage,
    FeedPost,
    FeedPostPage,
    GetFeedMode,
    Photo,
    PhotoVariantsType0,
    PlaceInput,
    Post,
    PostCreate,
    PostUpdate,
    ProblemDocument,
    Relationship,
    SentPart,
    UploadComplete,
    UploadCompletion,
    UploadCreate,
    UploadCreateContentType,
    UploadUrls,
)
from photomesh_api_client.types import UNSET

Found = TypeVar("Found")


def register(url: str, name: str) -> tuple[str, AuthenticatedClient]:
    username = f"{name}_{secrets.token_hex(6)}"
    account = AccountCreate(username=username, email=f"{username}@example.com", password="correct horse battery")
    session = register_account.sync(client=Client(base_url=url), body=account)
    assert isinstance(session, AccountSession), session
    return session.user.id, AuthenticatedClient(base_url=url, token=session.access_token)


def upload(client: AuthenticatedClient, file: Path) -> str:
    content = file.read_bytes()
    announced = UploadCreate("photo.jpg", len(content), UploadCreateContentType.IMAGEJPEG)
    begun = create_upload.sync(client=client, body=announced)
    assert isinstance(begun, UploadUrls), begun
    targets = [(part.part_number, part.presigned_url) for part in begun.parts or []]
    if begun.presigned_url:
        targets.append((1, begun.presigned_url))
    assert (len(targets) > 1) == (len(content) > 5_000_000)
    sent = []
    for number, target in targets:
        piece = content[(number - 1) * begun.part_size : number * begun.part_size] if begun.parts else content
        answer = httpx.put(target, content=piece, headers=begun.headers.to_dict()).raise_for_status()
        sent.append(SentPart(part_number=number, etag=answer.headers["etag"]))
    done = complete_upload.sync(begun.id, client=client, body=UploadComplete(parts=sent))
    assert isinstance(done, UploadCompletion), done
    photo_id: str = done.photo_id
    return photo_id


def until(attempt: Callable[[], Found | None]) -> Found:
    for _ in range(150):
        if (found := attempt()) is not None:
            return found
        time.sleep(0.2)
    raise TimeoutError


def main(url: str, small: str, large: str) -> None:
    ada_id, ada = register(url, "ada")
    _, grace = register(url, "grace")

    def ready_photo(photo_id: str) -> Photo | None:
        photo = get_photo.sync(photo_id, client=ada)
        return photo if isinstance(photo, Photo) and photo.status == "ready" else None

    photo_ids = [upload(ada, Path(large)), upload(ada, Path(small))]
    for photo_id in photo_ids:
        photo = until(partial(ready_photo, photo_id))
        assert photo.metadata
        assert photo.metadata.taken_at == "2026-11-21T10:09:08"
        assert photo.created_at.tzinfo
        assert isinstance(photo.variants, PhotoVariantsType0)
        assert photo.variants["640"].startswith("http")

    assert isinstance(follow.sync(ada_id, client=grace), Relationship)
    post = create_post.sync(
        client=ada,
        idempotency_key=secrets.token_hex(8),
        body=PostCreate(
            photo_ids=photo_ids,
            caption="Two lakes #sunset",
            place=PlaceInput(name="Lake Como", latitude=46.016, longitude=9.257),
            alt_texts=[AltText(photo_id=photo_ids[0], text="A lake")],
        ),
    )
    assert isinstance(post, Post), post

    def edit(changes: PostUpdate) -> Post:
        edited = edit_post.sync(post.id, client=ada, body=changes)
        assert isinstance(edited, Post), edited
        return edited

    described = edit(PostUpdate(alt_texts=[AltTextUpdate(photo_id=photo_ids[1], text="Another lake")]))
    assert (described.caption, described.place and described.place.name) == ("Two lakes #sunset", "Lake Como")
    assert [photo.id for photo in described.photos] == photo_ids
    assert [photo.alt_text for photo in described.photos] == ["A lake", "Another lake"]
    moved = edit(PostUpdate(place=None, caption="Two lakes #dusk"))
    assert (moved.place, moved.hashtags) == (None, ["dusk"])

    def in_feed() -> FeedPost | None:
        page = get_feed.sync(client=grace, mode=GetFeedMode.CHRONOLOGICAL)
        assert isinstance(page, FeedPostPage), page
        return next((item for item in page.items if item.id == post.id), None)

    assert [photo.id for photo in until(in_feed).photos] == photo_ids

    for text in ("one", "two", "three"):
        comment = write_comment.sync(post.id, client=grace, body=CommentCreate(text=text))
        assert isinstance(comment, Comment), comment
    read, cursor = [], None
    while True:
        comments = list_comments.sync(post.id, client=ada, limit=2, cursor=cursor or UNSET)
        assert isinstance(comments, CommentPage), comments
        read += [comment.text for comment in comments.items]
        if not (cursor := comments.next_cursor or None):
            break
    assert read == ["three", "two", "one"]

    missing = get_post.sync("o_1", client=ada)
    assert isinstance(missing, ProblemDocument)
    assert missing.code == "post-not-found"
    print("the journey is over")


if __name__ == "__main__":
    main(*sys.argv[1:])
