"""What is in an export."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

from photomesh_shared.internal_api.export import SECTIONS
from tests.integration.export.conftest import Person, Sources, Working
from tests.support.exports import download

HOSTILE = "<script>alert('ü')</script>\"'&amp; </dd> {{ 7*7 }} \u2028 📷"


class Tags(HTMLParser):
    """The tags and links of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("href", "src")]

    def handle_data(self, data: str) -> None:
        self.text += data


def _post(number: int, photo_ids: list[str], caption: str = "hello") -> dict[str, object]:
    return {
        "post_id": f"o_{number}",
        "status": "published",
        "caption": caption,
        "photo_ids": photo_ids,
        "alt_texts": {},
        "created_at": "2026-11-21T10:00:00Z",
        "published_at": "2026-11-21T10:00:05Z",
    }


async def test_everything_is_in_it(ada: Person, working: Working, tmp_path: Path) -> None:
    for section in SECTIONS:
        if section.name not in ("originals", "posts", "profile", "photos"):
            ada.has(section.name, *({"number": number, "text": f"{section.name} ü📷"} for number in range(7)))
    ada.has("profile", {"account_id": ada.wire_id, "username": "ada", "display_name": HOSTILE, "bio": HOSTILE})
    photos = [await ada.uploaded(number, f"photo {number}".encode() * 50_000) for number in range(3)]
    ada.has("posts", _post(1, photos[:2], HOSTILE), _post(2, photos[2:]))

    response = await ada.begin()
    assert response.status_code == 202
    assert response.json()["state"] == "queued"
    async with working() as deps:
        assert await deps.worker.run_next()
        assert not await deps.worker.run_next()
    export = await ada.look()
    assert export["state"] == "completed"
    assert {section["name"]: section["items"] for section in export["sections"]}["likes"] == 7

    archive = await download(export, tmp_path)
    for section in SECTIONS:
        assert archive.section(section.name) == ada.sources.items.get((ada.wire_id, section.name), [])
    assert sorted(archive.originals.values()) == [f"photo {number}".encode() * 50_000 for number in range(3)]
    assert f"originals/2026-11-01_{photos[0]}.jpg" in archive.originals
    assert "ü📷" in archive.files["data/likes.json"].decode(), "as it is, not as \\u escapes"
    manifest = archive.manifest
    assert manifest["failed"] == []
    assert manifest["originals"] == {"folder": "originals", "files": 3, "failed": 0}
    assert all(one["why"] for one in manifest["not_included"])
    assert [one["number"] for one in await _objects_left(ada, "work/")] == []

    outbox = archive.json("outbox.json")
    assert outbox["totalItems"] == len(outbox["orderedItems"]) == 2
    assert outbox["orderedItems"][0]["object"]["attachment"][0]["url"] in archive.originals
    assert "<script" not in outbox["orderedItems"][0]["object"]["content"]
    instagram = archive.json("your_instagram_activity/content/posts_1.json")
    assert [len(post["media"]) for post in instagram] == [2, 1]
    assert instagram[0]["title"] == HOSTILE


async def _objects_left(person: Person, kind: str) -> list[dict[str, object]]:
    keys = await person.storage.list_keys("exports", f"{person.wire_id}/")
    return [{"number": key} for key in keys if f"/{kind}" in key]


async def test_pages_are_harmless_and_need_no_network(ada: Person, working: Working, tmp_path: Path) -> None:
    ada.has("profile", {"account_id": ada.wire_id, "username": "ada", "display_name": HOSTILE, "bio": HOSTILE})
    photo_id = await ada.uploaded(0, b"photo", filename=f"../../{HOSTILE}.exe")
    ada.has("posts", _post(1, [photo_id], HOSTILE))
    ada.has("collections", {"name": HOSTILE, HOSTILE: [HOSTILE]})
    await ada.begin()
    async with working() as deps:
        await deps.worker.run_next()
    archive = await download(await ada.look(), tmp_path)
    (original,) = archive.originals
    assert re.fullmatch(r"originals/[\w-]+\.jpg", original)
    pages = {name: Tags(content.decode()) for name, content in archive.files.items() if name.endswith(".html")}
    assert len(pages) == len(SECTIONS) + 1
    for page in pages.values():
        assert not {"script", "iframe", "object", "link"} & set(page.tags)
        for link in page.links:
            assert "://" not in link
            target = link.removeprefix("../")
            assert target in archive.files or f"pages/{target}" in archive.files
    for name in ("index.html", "pages/posts.html", "pages/collections.html"):
        assert HOSTILE in pages[name].text


async def test_large_exports_have_several_parts(ada: Person, working: Working, tmp_path: Path) -> None:
    for number in range(5):
        await ada.uploaded(number, bytes([number]) * 1_000)
    await ada.begin()
    async with working(part_bytes="2500") as deps:
        await deps.worker.run_next()
    export = await ada.look()
    assert export["parts_planned"] == len(export["parts"]) == 3
    archive = await download(export, tmp_path)
    assert sorted(archive.originals.values()) == [bytes([number]) * 1_000 for number in range(5)]


async def test_what_fails_is_listed_and_the_rest_is_there(
    ada: Person, sources: Sources, working: Working, tmp_path: Path
) -> None:
    ada.has("comments", {"text": "first"}, {"text": "second"})
    sources.broken |= {"likes", "profile"}
    await ada.uploaded(0, b"photo")
    missing = await ada.uploaded(1, None)
    short = await ada.uploaded(2, b"half", size_bytes=8)
    replaced = await ada.uploaded(3, b"another", etag="0" * 32)
    await ada.begin()
    async with working(max_attempts="2") as deps:
        while (export := await ada.look())["ended_at"] is None:
            await deps.worker.run_next()
    assert export["state"] == "completed"
    assert export["originals_failed"] == 3
    assert {section["name"] for section in export["sections"] if section["state"] == "failed"} == {"likes", "profile"}
    archive = await download(export, tmp_path)
    failed = {one["what"]: one["problem"] for one in archive.manifest["failed"]}
    assert "2 attempts" in failed["data/likes.json"]
    for photo_id, expected in (
        (missing, "NoSuchObject"),
        (short, "4 bytes instead of 8"),
        (replaced, "ObjectReplaced"),
    ):
        assert any(photo_id in what and expected in problem for what, problem in failed.items()), failed
    assert archive.section("comments") == [{"text": "first"}, {"text": "second"}]
    assert b"photo" in archive.originals.values()
    assert "What failed" in archive.files["index.html"].decode()


async def test_an_account_without_anything(ada: Person, working: Working, tmp_path: Path) -> None:
    await ada.begin()
    async with working() as deps:
        await deps.worker.run_next()
    archive = await download(await ada.look(), tmp_path)
    assert {name for name in archive.files if name.startswith("data/")} == {
        f"data/{section.name}.json" for section in SECTIONS
    }
    assert archive.section("posts") == []
