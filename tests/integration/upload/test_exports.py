"""What upload gives to the export of an account."""

from __future__ import annotations

from collections.abc import Mapping

from photomesh_shared.ids import encode
from photomesh_shared.internal_api import export
from tests.integration.upload.api_users import ApiUser, content_of
from tests.support.exports import pages_of
from tests.support.internal_calls import RightfulCaller


async def test_uploads_originals_and_the_quota(ada: ApiUser, grace: ApiUser, environment: Mapping[str, str]) -> None:
    auth = RightfulCaller(environment, export)
    account = encode("u", ada.account_id)
    content = content_of(1_000)
    upload_id, parts = await ada.sent(content)
    photo_id = await ada.complete(upload_id, parts)
    open_id = (await ada.init(filename="Grüße.jpg"))["id"]
    await grace.init()

    uploads = await pages_of(ada.api, account, "uploads", auth=auth)
    assert [(one["upload_id"], one["status"]) for one in uploads] == [(upload_id, "completed"), (open_id, "open")]
    assert uploads[1]["filename"] == "Grüße.jpg"
    [original] = await pages_of(ada.api, account, "originals", auth=auth)
    assert (original["photo_id"], original["upload_id"], original["size_bytes"]) == (photo_id, upload_id, 1_000)
    assert original["filename"] == "a.jpg"
    [usage] = await pages_of(ada.api, account, "upload_usage", auth=auth)
    assert (usage["uploads"], usage["bytes"]) == (2, 2_000)
