"""The API of the naive design: the routes that are compared, and those that it takes to make a post."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Annotated, Any

import asyncpg
import httpx
from fastapi import FastAPI, HTTPException, Query, Request, Response
from fastapi.responses import FileResponse, JSONResponse

from benchmarks.naive.database import Database, Shape, UnusablePhotos
from benchmarks.naive.schemas import Author, FeedPage, Likes, NewPost, Photo, Post, Relationship, ViewerState
from benchmarks.naive.settings import Settings
from benchmarks.naive.thumbnails import SIZES, Folder, NotAPhoto
from photomesh_shared.auth import Viewer
from photomesh_shared.clock import SystemClock
from photomesh_shared.errors import Problem
from photomesh_shared.ids import MAX_ID, IdGenerator, PhotoId, PostId, UserId, decode, encode, timestamp_of
from photomesh_shared.tokens.access import TokenVerifier, fetch_jwks

__all__ = ["create_app"]

_TUNING = {"jit": "off", "random_page_cost": "1.1"}  # short queries, and no disk that has to turn
_PLACEHOLDER = "3OcRJYB4d3h/iIeHeEh3eIhw+j2w"


def create_app(settings: Settings) -> FastAPI:
    """Needs a database with `schema.sql` in it."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        size = settings.naive_pool
        async with (
            httpx.AsyncClient() as client,
            asyncpg.create_pool(settings.naive_dsn, min_size=size, max_size=size, server_settings=_TUNING) as pool,
        ):
            app.state.token_verifier = TokenVerifier(
                fetch_jwks(client, settings.jwks_url), issuer=settings.token_issuer, audience=settings.token_audience
            )
            app.state.database = Database(pool)
            yield

    app = FastAPI(lifespan=lifespan)
    photos = Folder(settings.naive_folder)
    ids = IdGenerator(1, 1022, SystemClock())

    def database(request: Request) -> Database:
        opened: Database = request.app.state.database
        return opened

    def photo_urls(photo_id: int) -> dict[str, str]:
        return {str(size): f"{settings.naive_url}/v1/photos/{encode('p', photo_id)}/{size}" for size in SIZES}

    def photo(row: Mapping[str, Any]) -> Photo:
        return Photo(
            id=row["id"],
            width=row["width"],
            height=row["height"],
            placeholder=row["placeholder"],
            variants=photo_urls(row["id"]),
            alt_text=row["alt_text"],
        )

    def post(row: asyncpg.Record) -> Post:
        return Post(
            id=row["id"],
            author=Author(
                id=row["author_id"],
                username=row["username"],
                display_name=row["display_name"],
                avatar_url=row["avatar_url"],
            ),
            caption=row["caption"],
            hashtags=row["hashtags"],
            mentions=row["mentions"],
            entities=json.loads(row["entities"]),
            place=json.loads(row["place"]) if row["place"] else None,
            photos=[photo(each) for each in json.loads(row["photos"])],
            like_count=row["like_count"],
            comment_count=row["comment_count"],
            viewer=ViewerState(liked=row["liked"], saved=row["saved"]),
            created_at=row["created_at"],
            edited_at=row["edited_at"],
            published_at=row["created_at"],
        )

    @app.exception_handler(Problem)
    async def problem(request: Request, error: Problem) -> Response:
        return JSONResponse({"code": error.code}, error.status)

    @app.get("/healthz")
    async def health(request: Request) -> None:
        """Answers once the pool is open."""

    @app.get("/v1/feed")
    async def feed(
        request: Request,
        viewer: Viewer,
        limit: Annotated[int, Query(ge=1, le=50)] = 20,
        cursor: str | None = None,
        shape: Shape = "lateral",
    ) -> FeedPage:
        before = decode("o", cursor) if cursor else MAX_ID
        rows = await database(request).feed(viewer.account_id, before, limit, shape)
        more = encode("o", rows[-1]["id"]) if len(rows) == limit else None
        return FeedPage(items=[post(row) for row in rows], next_cursor=more)

    @app.get("/v1/posts/{post_id}")
    async def get_post(request: Request, post_id: PostId, viewer: Viewer) -> Post:
        if (row := await database(request).post(viewer.account_id, post_id)) is None:
            raise HTTPException(404)
        return post(row)

    @app.put("/v1/posts/{post_id}/like")
    async def like(request: Request, post_id: PostId, viewer: Viewer) -> Likes:
        if (count := await database(request).like(post_id, viewer.account_id)) is None:
            raise HTTPException(404)
        return Likes(like_count=count, liked=True)

    @app.delete("/v1/posts/{post_id}/like")
    async def unlike(request: Request, post_id: PostId, viewer: Viewer) -> Likes:
        if (count := await database(request).unlike(post_id, viewer.account_id)) is None:
            raise HTTPException(404)
        return Likes(like_count=count, liked=False)

    @app.put("/v1/users/{user_id}/follow")
    async def follow(request: Request, user_id: UserId, viewer: Viewer) -> Relationship:
        await database(request).follow(viewer.account_id, user_id)
        return Relationship(user_id=user_id, following=True)

    @app.delete("/v1/users/{user_id}/follow")
    async def unfollow(request: Request, user_id: UserId, viewer: Viewer) -> Relationship:
        await database(request).unfollow(viewer.account_id, user_id)
        return Relationship(user_id=user_id, following=False)

    @app.post("/v1/photos", status_code=201)
    async def upload(request: Request, viewer: Viewer) -> Photo:
        photo_id = ids.next()
        try:
            stored = await photos.add(photo_id, await request.body())
        except NotAPhoto as error:
            raise HTTPException(422) from error
        await database(request).add_photo(photo_id, viewer.account_id, stored.width, stored.height, _PLACEHOLDER)
        row = await database(request).photo(photo_id)
        assert row is not None
        return photo(row)

    @app.get("/v1/photos/{photo_id}/{size}")
    async def download(photo_id: PhotoId, size: int) -> FileResponse:
        if size not in SIZES or not (file := photos.file(photo_id, size)).exists():
            raise HTTPException(404)
        return FileResponse(file, headers={"Cache-Control": "public, max-age=31536000, immutable"})

    @app.post("/v1/posts", status_code=201)
    async def create_post(request: Request, body: NewPost, viewer: Viewer) -> Post:
        post_id = ids.next()
        try:
            await database(request).add_post(
                post_id, viewer.account_id, body.photo_ids, body.caption, timestamp_of(post_id)
            )
        except UnusablePhotos as error:
            raise HTTPException(422) from error
        row = await database(request).post(viewer.account_id, post_id)
        assert row is not None
        return post(row)

    return app
