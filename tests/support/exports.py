"""Reading exports: the zips, and the pages that services give."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import subprocess
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

__all__ = ["Archive", "download", "pages_of"]


class Archive:
    """All files of an export, of all its zips."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self.files = files

    def json(self, name: str) -> Any:
        return json.loads(self.files[name].decode())

    def section(self, name: str) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = self.json(f"data/{name}.json")
        return items

    @property
    def manifest(self) -> dict[str, Any]:
        found: dict[str, Any] = self.json("manifest.json")
        return found

    @property
    def originals(self) -> dict[str, bytes]:
        return {name: content for name, content in self.files.items() if name.startswith("originals/")}


async def download(export: Mapping[str, Any], folder: Path) -> Archive:
    """Fetch and unpack all parts, which must be as they are announced, and whole by `unzip -t`."""
    files: dict[str, bytes] = {}
    async with httpx.AsyncClient(timeout=60) as client:
        for part in export["parts"]:
            response = await client.get(part["url"])
            assert response.status_code == 200, response.text
            assert part["filename"] in response.headers["content-disposition"]
            content = response.content
            assert (len(content), hashlib.sha256(content).hexdigest()) == (part["size_bytes"], part["sha256"])
            path = folder / part["filename"]
            path.write_bytes(content)
            if unzip := shutil.which("unzip"):
                subprocess.run([unzip, "-tqq", str(path)], check=True)
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                assert archive.testzip() is None
                for name in archive.namelist():
                    assert name not in files, f"{name} is in two parts"
                    files[name] = archive.read(name)
    return Archive(files)


async def pages_of(
    api: httpx.AsyncClient, account_id: str, section: str, *, limit: int = 1, auth: httpx.Auth | None = None
) -> list[dict[str, Any]]:
    """All items of a section, as a service gives them to the export: `limit` on a page."""
    items: list[dict[str, Any]] = []
    cursor: str | None = None
    for _ in range(1_000):
        query: dict[str, str | int] = {"section": section, "limit": limit}
        response = await api.get(
            f"/internal/export/{account_id}",
            params=query | ({"cursor": cursor} if cursor else {}),
            auth=auth or api.auth or httpx.Auth(),
        )
        assert response.status_code == 200, response.text
        page = response.json()
        assert page["section"] == section
        items += page["items"]
        if (cursor := page["next_cursor"]) is None:
            return items
    raise AssertionError(f"the pages of {section} do not end")
