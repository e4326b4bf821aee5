"""The canary sweep: whatever an account can write is found nowhere after its erasure, but for what the receipt lists.

Each writable text of the API gets a word that is nowhere else, and so do the photo's EXIF and the account's id. Before
the erasure the sweep has to find them, or its silence afterwards would mean nothing.
"""

from __future__ import annotations

import io
import json
import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import ExifTags, Image

from demo.client import Account, Platform
from photomesh_shared.events import TOPICS
from tests.conftest import Environment
from tests.support import photos
from tests.support.authenticator import Authenticator
from tests.support.redis import as_administrator
from tests.support.sweep import Hit, Sweep
from tests.support.waiting import eventually

pytestmark = pytest.mark.timeout(420)  # a sweep takes half a minute on a busy machine

OPENAPI = Path("gateway/src/photomesh_gateway/openapi.json")

PLANTED = {
    "POST /v1/accounts /username": "username",
    "POST /v1/accounts /email": "email",
    "PATCH /v1/me /display_name": "display name",
    "PATCH /v1/me /bio": "bio",
    "PUT /v1/me/username /username": "new username",
    "PUT /v1/me/email /email": "new email",
    "POST /v1/uploads/init /filename": "file name",
    "POST /v1/posts /caption": "caption",
    "POST /v1/posts /place/name": "place",
    "POST /v1/posts /alt_texts/-/text": "alt text",
    "PATCH /v1/posts/{post_id} /caption": "new caption",
    "PATCH /v1/posts/{post_id} /place/name": "new place",
    "PATCH /v1/posts/{post_id} /alt_texts/-/text": "new alt text",
    "POST /v1/posts/{post_id}/comments /text": "comment",
    "POST /v1/me/collections /name": "collection",
    "PATCH /v1/me/collections/{collection_id} /name": "new collection",
    "POST /v1/me/passkeys /name": "passkey",
    "PATCH /v1/me/passkeys/{passkey_id} /name": "new passkey",
    "POST /v1/me/tokens /name": "token",
    "POST /v1/webhooks /url": "webhook url",
    "POST /v1/webhooks /description": "webhook description",
    "PATCH /v1/webhooks/{webhook_id} /url": "new webhook url",
    "PATCH /v1/webhooks/{webhook_id} /description": "new webhook description",
}
"""The writable texts, and the name of the canary that each gets. The photo's EXIF is one more."""

_CONFIRMED = (
    "DELETE /v1/me",
    "POST /v1/me/deactivation",
    "POST /v1/me/export",
    "POST /v1/me/passkeys/options",
    "POST /v1/me/recovery-codes",
    "POST /v1/me/tokens",
    "POST /v1/me/totp",
    "POST /v1/me/totp/remove",
    "PUT /v1/me/email",
    "PUT /v1/me/password",
    "PUT /v1/staff/users/{user_id}/roles",
)
_OF_PASSKEYS = {
    "POST /v1/me/passkeys": "id rawId response/attestationObject response/clientDataJSON",
    "POST /v1/sessions/passkey": "id rawId response/authenticatorData response/clientDataJSON response/signature"
    " response/userHandle",
}

NOT_PLANTED = {
    **{
        f"{operation} /{proof}": "what is compared, not stored"
        for operation in _CONFIRMED
        for proof in ("code", "password")
    },
    **{
        f"{operation} /credential/{member}": "made by an authenticator"
        for operation, members in _OF_PASSKEYS.items()
        for member in members.split()
    },
    "POST /v1/me/totp/confirm /code": "what is compared, not stored",
    "POST /v1/sessions/second-factor /code": "what is compared, not stored",
    "POST /v1/sessions/second-factor /ticket": "given by the platform",
    "POST /v1/accounts /password": "only its hash is stored, with a salt",
    "POST /v1/email-verifications/redeem /token": "given by the platform",
    "POST /v1/password-resets /login": "what is compared, not stored",
    "POST /v1/password-resets/redeem /password": "only its hash is stored, with a salt",
    "POST /v1/password-resets/redeem /token": "given by the platform",
    "PUT /v1/me/consents /version": "names a text of the platform",
    "PUT /v1/me/password /new_password": "only its hash is stored, with a salt",
    **{
        f"{operation} /reason": "by staff, for the audit log: kept, as the receipt says"
        for operation in (
            "POST /v1/staff/lookups",
            "DELETE /v1/staff/users/{user_id}/sessions",
            "PUT /v1/staff/users/{user_id}/roles",
        )
    },
    "POST /v1/staff/lookups /username": "what is compared, not stored",
    "POST /v1/sessions /login": "what is compared, not stored",
    "POST /v1/sessions /password": "what is compared, not stored",
    "POST /v1/sessions/refresh /refresh_token": "given by the platform",
    "POST /v1/uploads/{upload_id}/complete /parts/-/etag": "given by object storage",
    "POST /v1/notifications/push/subscriptions /endpoint": "an address of a push service, not what the person wrote",
    "POST /v1/notifications/push/subscriptions /keys/auth": "a random secret",
    "POST /v1/notifications/push/subscriptions /keys/p256dh": "a random key",
    "PUT /v1/notifications/preferences /quiet_hours/end": "a time of day",
    "PUT /v1/notifications/preferences /quiet_hours/start": "a time of day",
    "PUT /v1/notifications/preferences /quiet_hours/time_zone": "the name of a time zone",
    "POST /v1/feed/impressions /items/-/request_id": "given by the platform",
    "POST /v1/explore/feedback /tag": "one of the hashtags of a post, and no other",
    "POST /v1/stories /alt_text": "deleted with the story: tests/unit/story/test_sweeper.py",
    "PUT /v1/me/highlights/{number} /title": "deleted with the archive: tests/unit/story/test_archive.py",
    "PUT /v1/stories/{story_id}/reply /text": "deleted with either account: tests/unit/story/test_replies.py",
}


def writable_texts() -> set[str]:
    """Each text in a request's body that is no id, time or choice of a list: method, path, pointer."""
    document = json.loads(OPENAPI.read_text())
    found = set()
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            for content in (operation.get("requestBody") or {}).get("content", {}).values():
                found |= {f"{method.upper()} {path} {at}" for at in _texts(content["schema"], "", document)}
    return found


def _texts(schema: Mapping[str, Any], at: str, document: Mapping[str, Any]) -> Iterator[str]:
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[-1]]
    for alternative in ("anyOf", "oneOf", "allOf"):
        for one in schema.get(alternative, ()):
            yield from _texts(one, at, document)
    for name, member in schema.get("properties", {}).items():
        yield from _texts(member, f"{at}/{name}", document)
    if isinstance(schema.get("additionalProperties"), dict):
        yield from _texts(schema["additionalProperties"], f"{at}/*", document)
    if schema.get("type") == "array":
        yield from _texts(schema["items"], f"{at}/-", document)
    chosen = "enum" in schema or "const" in schema or "_[0-9A-Za-z]" in schema.get("pattern", "")
    if schema.get("type") == "string" and not chosen and schema.get("format") not in ("date", "date-time"):
        yield at


def test_every_writable_text_is_planted_or_has_a_reason() -> None:
    declared = PLANTED.keys() | NOT_PLANTED.keys()
    assert writable_texts() - declared == set(), "plant these texts, or say why they need not be"
    assert declared - writable_texts() == set(), "these are no texts of the API any more"


def canaries() -> dict[str, str]:
    """A word by name; all of them are letters and digits, so that no form of writing changes them."""
    return {name: f"canary{secrets.token_hex(8)}" for name in (*PLANTED.values(), "exif")}


def photo_with(word: str) -> bytes:
    file = io.BytesIO()
    exif = Image.Exif()
    exif[ExifTags.Base.ImageDescription] = word
    exif[ExifTags.Base.Model] = word
    Image.fromarray(photos.scene(800, 600)).save(file, "JPEG", exif=exif)
    return file.getvalue()


@pytest.fixture
def sweep(mesh: Mapping[str, int], service_environment: Environment) -> Sweep:
    databases = ("identity", "upload", "social-graph", "export", "webhook")
    dsns = {name: service_environment(name)["PHOTOMESH_POSTGRES_DSN"] for name in databases}
    return Sweep(mesh, dsns, as_administrator(service_environment("gateway")["PHOTOMESH_REDIS_URL"]))


async def live(platform: Platform, words: Mapping[str, str], password: str, other: Account, tmp_path: Path) -> Leaver:
    body = await platform.call(
        "POST",
        "/v1/accounts",
        json={"username": words["username"], "email": f"{words['email']}@example.com", "password": password},
    )
    account = Account(body["user"]["id"], words["username"], {"Authorization": f"Bearer {body['access_token']}"})
    await platform.call("PATCH", "/v1/me", account, json={"display_name": words["display name"], "bio": words["bio"]})
    new_email = {"email": f"{words['new email']}@example.com", "password": password}
    await platform.call("PUT", "/v1/me/email", account, json=new_email)
    await platform.call("PUT", "/v1/me/username", account, json={"username": words["new username"]})
    await _make_webhook(platform, account, words)
    file = tmp_path / f"{words['file name']}.jpg"
    file.write_bytes(photo_with(words["exif"]))
    photo_ids = [await platform.upload(account, file, lambda _: None) for _ in range(2)]
    ready = [await platform.wait_until_ready(account, photo_id, within=60) for photo_id in photo_ids]
    await platform.call("PATCH", "/v1/me", account, json={"avatar_photo_id": photo_ids[0]})
    post = await platform.call(
        "POST",
        "/v1/posts",
        account,
        json={
            "photo_ids": photo_ids[:1],
            "caption": words["caption"],
            "place": {"name": words["place"]},
            "alt_texts": [{"photo_id": photo_ids[0], "text": words["alt text"]}],
        },
    )
    await platform.call(
        "PATCH",
        f"/v1/posts/{post['id']}",
        account,
        json={
            "caption": words["new caption"],
            "place": {"name": words["new place"]},
            "alt_texts": [{"photo_id": photo_ids[0], "text": words["new alt text"]}],
        },
    )
    theirs = (await platform.publish(other, [await _photo(platform, other, file.parent)], "Stays"))["id"]
    await platform.comment(account, theirs, words["comment"])
    await platform.like(account, theirs)
    await platform.comment(other, post["id"], "By somebody who stays")
    await platform.like(other, post["id"])
    collection = await platform.call("POST", "/v1/me/collections", account, json={"name": words["collection"]})
    path = f"/v1/me/collections/{collection['id']}"
    await platform.call("PATCH", path, account, json={"name": words["new collection"]})
    await platform.call("PUT", f"{path}/posts/{theirs}", account)
    await platform.follow(account, other)
    await platform.follow(other, account)
    await _make_credentials(platform, account, words, password)
    me = await platform.call("GET", "/v1/me", account)
    urls = [url for photo in ready for url in photo.body["variants"].values()] + [me["avatar_url"]]
    for url in urls:
        await platform.fetch(url)
    return Leaver(account, theirs, urls)


async def _make_webhook(platform: Platform, account: Account, words: Mapping[str, str]) -> None:
    """A webhook of what the account then does; its address leads nowhere, so deliveries fail."""

    def said(of: str) -> dict[str, str]:
        return {
            "url": f"https://hooks.example.com/{words[f'{of} url']}",
            "description": words[f"{of} description"],
        }

    webhook = await platform.call(
        "POST", "/v1/webhooks", account, json={"types": ["photomesh.post.*"], **said("webhook")}
    )
    await platform.call("PATCH", f"/v1/webhooks/{webhook['id']}", account, json=said("new webhook"))


async def _make_credentials(platform: Platform, account: Account, words: Mapping[str, str], password: str) -> None:
    """A passkey that is renamed, and a personal access token."""
    options = await platform.call("POST", "/v1/me/passkeys/options", account, json={"password": password})
    credential = Authenticator().create(options["public_key"])
    body = {"name": words["passkey"], "credential": credential}
    passkey = await platform.call("POST", "/v1/me/passkeys", account, json=body)
    await platform.call("PATCH", f"/v1/me/passkeys/{passkey['id']}", account, json={"name": words["new passkey"]})
    token = {"name": words["token"], "scopes": ["posts:read"], "password": password}
    await platform.call("POST", "/v1/me/tokens", account, json=token)


async def _photo(platform: Platform, account: Account, folder: Path) -> str:
    file = folder / "theirs.jpg"
    file.write_bytes(photos.photo("jpeg", 640, 480))
    photo_id = await platform.upload(account, file, lambda _: None)
    await platform.wait_until_ready(account, photo_id, within=60)
    return photo_id


class Leaver:
    def __init__(self, account: Account, liked_post: str, urls: list[str]) -> None:
        self.account = account
        self.liked_post = liked_post
        self.urls = urls


async def test_an_erased_account_is_found_nowhere(
    platform: Platform,
    http: httpx.AsyncClient,
    gateway_url: str,
    mesh: Mapping[str, int],
    sweep: Sweep,
    grace: Account,
    tmp_path: Path,
) -> None:
    words, password = canaries(), secrets.token_urlsafe(16)
    leaver = await live(platform, words, password, grace, tmp_path)
    names = {word: name for name, word in words.items()}

    before = await sweep.find(words.values())
    overwritten = {name for name in words if f"new {name}" in words}  # may be gone already
    missed = words.keys() - overwritten - {names[hit.word] for hit in before}
    assert sorted(missed) == [], "the sweep finds these nowhere although they are stored"
    assert {hit.where.split()[0] for hit in before} >= {"postgresql", "cassandra", "redis", "topic", "bucket"}

    scheduled = await platform.call("DELETE", "/v1/me", leaver.account, json={"password": password, "now": True})

    async def receipt() -> dict[str, Any]:
        path = f"{gateway_url}/v1/erasures/{scheduled['id']}"
        response = await http.get(path, headers={"Erasure-Token": scheduled["token"]})
        response.raise_for_status()
        body: dict[str, Any] = response.json()
        return body

    report = await eventually(receipt, until=lambda body: body["receipt"], within=120, every=1)
    keeps = [kept["what"] for answer in report["groups"] for kept in answer["keeps"]]
    assert all(kept["why"] for answer in report["groups"] for kept in answer["keeps"])

    await sweep.compact_topics(words.values())

    async def unexplained() -> list[Hit]:
        hits = await sweep.find(words.values())
        return [hit for hit in hits if not _is_kept(hit, keeps)]

    left: list[Hit] = []
    for _ in range(3):  # caches and topics may be a moment behind
        if not (left := await unexplained()):
            break
    assert [(hit.where, names[hit.word]) for hit in left] == []
    for url in leaver.urls:
        path = httpx.URL(url).path
        for layer in ("EDGE", "SHIELD"):
            assert (await http.get(f"http://127.0.0.1:{mesh[layer]}{path}")).status_code == 404, (layer, path)
    for name in ("username", "new username"):
        assert (await http.get(f"{gateway_url}/v1/users/by-username/{words[name]}")).status_code == 404
    seen = await platform.call("GET", f"/v1/posts/{leaver.liked_post}", grace)
    assert (seen["like_count"], seen["comment_count"]) == (0, 0)


def _is_kept(hit: Hit, keeps: list[str]) -> bool:
    """Whether the receipt says that something is still there. Topics are listed by their names, with a date."""
    if hit.where == "cassandra accounts_by_username":  # the mark of a deletion has the key of the row
        return any("deleted rows" in what for what in keeps)
    kind, _, name = hit.where.partition(" ")
    if kind == "topic":
        topic = TOPICS.get(name)
        dead_letters = topic is None and any("dead letters" in what for what in keeps)
        return dead_letters or (topic is not None and not topic.is_compacted and f"(topic {name})" in " ".join(keeps))
    return False


async def test_the_sweep_finds_what_is_there(sweep: Sweep, grace: Account) -> None:
    """In PostgreSQL, Cassandra, and the topic of accounts at least."""

    async def places() -> set[str]:
        return {hit.where for hit in await sweep.find([grace.username])}

    wanted = {"postgresql identity accounts", "cassandra accounts_by_username", "topic accounts"}
    await eventually(places, until=lambda found: found >= wanted, within=60, every=2)
