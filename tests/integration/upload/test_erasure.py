"""An account's uploads and originals are erased, and it begins no more."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime

import pytest

from photomesh_shared import failpoints, ids
from photomesh_shared.clock import SystemClock
from photomesh_shared.events import AccountErasureRequested, Envelope, ErasureAcknowledged, decode
from photomesh_shared.events.versions import version_at
from photomesh_shared.failpoints import FailpointReached
from photomesh_shared.kafka.publisher import open_publisher
from photomesh_shared.object_keys import original_key
from photomesh_shared.stores.object_storage import NoSuchObject, ObjectStorage, open_storage
from photomesh_shared.stores.postgres import open_pool
from photomesh_upload import consumer
from photomesh_upload.erasures.eraser import AccountEraser
from photomesh_upload.erasures.store import PostgresErasures
from photomesh_upload.objects import RawBucket
from photomesh_upload.settings import ConsumerSettings, Settings
from tests.integration.upload.api_users import ApiUser, content_of
from tests.support.kafka import Topics, kafka_user
from tests.support.objects import open_all_objects
from tests.support.problems import expect_problem
from tests.support.services import client_of, settings_from
from tests.support.waiting import eventually

CANARY = "canary8e2b"


def request(account_id: int, request_id: int = 7) -> Envelope[AccountErasureRequested]:
    now = datetime.now(UTC)
    event = AccountErasureRequested(request_id=request_id, user_id=account_id, requested_at=now)
    return Envelope.of(event, entityversion=version_at(now), time=now)


@pytest.fixture
async def objects() -> AsyncIterator[ObjectStorage]:
    async with open_all_objects() as storage:
        yield storage


async def live(user: ApiUser) -> list[str]:
    """A completed, an open and an aborted upload; returns their ids."""
    uploads = []
    for _ in range(3):
        content = content_of(1000)
        created = await user.init(len(content), filename=f"{CANARY}.jpg")
        uploads.append((created["id"], await user.send(created, content)))
    await user.complete(*uploads[0])
    assert (await user.request("DELETE", f"/{uploads[2][0]}")).status_code == 204
    return [upload_id for upload_id, _ in uploads]


async def stored(objects: ObjectStorage, uploads: list[str]) -> list[str]:
    found = []
    for upload_id in uploads:
        try:
            await objects.head("raw", original_key(ids.decode("up", upload_id)))
        except NoSuchObject:
            continue
        found.append(upload_id)
    return found


async def rows_of(database: object, account_id: int) -> str:
    text = ""
    for table in ("uploads", "originals", "outbox"):
        rows = await database.fetch(f"SELECT t::text FROM {table} t")  # type: ignore[attr-defined]
        text += "\n".join(row[0] for row in rows if str(account_id) in row[0] or CANARY in row[0])
    return text


async def test_the_consumer_erases_and_answers(
    ada: ApiUser,
    environment: Mapping[str, str],
    service_environment: Callable[[str], Mapping[str, str]],
    new_id: Callable[[], int],
    topics: Topics,
    objects: ObjectStorage,
    database: object,
) -> None:
    uploads = await live(ada)
    assert await stored(objects, uploads) == uploads[:1]
    settings = settings_from(ConsumerSettings, service_environment("upload-consumer"))
    request_id = new_id()

    async def answers() -> list[ErasureAcknowledged]:
        found = [decode(record).data for record in await topics.records("erasure_acknowledgements")]
        return [one for one in found if isinstance(one, ErasureAcknowledged) and one.request_id == request_id]

    async with (
        open_publisher(kafka_user(), "tests") as publisher,
        client_of(consumer.create_app(settings)),
    ):
        await publisher.publish(request(ada.account_id, request_id))
        [answer] = await eventually(answers, within=60)
    assert answer.group == "upload"
    assert answer.counts == {"uploads": 3, "originals": 1}
    assert {kept.what.split(" (")[0] for kept in answer.keeps} >= {"names of uploaded files"}
    assert await stored(objects, uploads) == []
    assert CANARY not in await rows_of(database, ada.account_id)
    expect_problem(await ada.try_init(), 401, "invalid-token")
    expect_problem(await ada.request("GET", f"/{uploads[1]}"), 404, "upload-not-found")


@pytest.mark.parametrize("step", ["upload.erasure.after_mark", "upload.erasure.after_objects"])
async def test_after_a_crash_the_repeat_finishes(
    ada: ApiUser, new_user: Callable[[], ApiUser], environment: Mapping[str, str], database: object, step: str
) -> None:
    uploads = await live(ada)
    other = new_user()
    [kept, *_] = await live(other)
    settings = settings_from(Settings, environment)
    async with (
        open_pool(settings.postgres_dsn.get_secret_value(), size=2) as pool,
        open_storage(settings) as storage,
        open_all_objects() as everything,
    ):
        eraser = AccountEraser(PostgresErasures(pool), RawBucket(storage, settings.raw_bucket), SystemClock())
        failpoints.configure({"PHOTOMESH_ENV": "test", "PHOTOMESH_FAILPOINTS": f"{step}=raise"})
        try:
            with pytest.raises(FailpointReached):
                await eraser.erase(request(ada.account_id))
        finally:
            failpoints.configure({})
        await eraser.erase(request(ada.account_id))
        assert (await eraser.erase(request(ada.account_id))).counts == {"uploads": 0, "originals": 0}
        assert await stored(everything, [*uploads, kept]) == [kept]
    assert str(ada.account_id) not in await rows_of(database, ada.account_id)
