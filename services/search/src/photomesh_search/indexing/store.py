"""Writes documents. Each has a version, so that what arrives late, or again, changes nothing.

A post is one thing, so the version of its event is that of its document (external versions: fast, and no script). An
account has two parts, its profile and its number of followers, each with a version: a script compares them.
Documents are never deleted: OpenSearch forgets the version of a deleted one after a minute, and would take an older
event for a new document.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from opensearchpy import AsyncOpenSearch
from opensearchpy.exceptions import OpenSearchException, TransportError

from photomesh_search.errors import SearchUnavailable
from photomesh_search.indexing.domain import AccountDocument, PostDocument, Standing
from photomesh_search.indices.store import ACCOUNTS, POSTS, unavailable
from photomesh_search.metrics import DOCUMENTS, REFUSED
from photomesh_shared.kafka.failures import Invalid

__all__ = ["IndexWriter"]

_MAX_DOCUMENTS, _MAX_BYTES = 1_000, 1_000_000
_PAGE = 1_000
_UPDATE = """
    if (ctx._source.v == null) { ctx._source.v = [:]; }
    def stored = ctx._source.v[params.part];
    if (stored != null && stored >= params.version) { ctx.op = 'none'; }
    else { ctx._source.v[params.part] = params.version; ctx._source.putAll(params.fields); }
"""


class IndexWriter:
    """Implements `event_handlers.Index`."""

    def __init__(self, client: AsyncOpenSearch, indices: Mapping[str, str]) -> None:
        """`indices`: the aliases for writing, or, while an index is made again, new indices."""
        self._client = client
        self._indices = indices

    async def standings(self, account_ids: Collection[int]) -> dict[int, Standing]:
        """Return how those accounts stand that are known. Not bound to any refresh."""
        if not account_ids:
            return {}
        body = {"ids": [str(account_id) for account_id in account_ids]}
        found = await self._call(
            self._client.mget(index=self._indices[ACCOUNTS], body=body, params={"_source_includes": "public,filled,v"})
        )
        return {
            int(one["_id"]): Standing(
                one["_source"]["v"].get("profile", 0),
                bool(one["_source"].get("public")),
                one["_source"].get("filled"),
            )
            for one in found["docs"]
            if one.get("found")
        }

    async def save_accounts(self, documents: Collection[AccountDocument]) -> None:
        await self._bulk([_update(one.account_id, "profile", one.version, one.fields) for one in documents], ACCOUNTS)

    async def save_filled(self, documents: Collection[AccountDocument]) -> None:
        """Remember that the accounts' posts are there, or are not, as their profiles of these versions want it."""
        await self._bulk(
            [_update(one.account_id, "posts", one.version, {"filled": one.public}) for one in documents], ACCOUNTS
        )

    async def save_followers(self, counts: Mapping[int, tuple[int, datetime]]) -> None:
        """`counts`: by account, its followers and when it had them."""
        await self._bulk(
            [
                _update(account_id, "followers", int(at.timestamp() * 1_000_000), {"followers": max(count, 0) + 1})
                for account_id, (count, at) in counts.items()
            ],
            ACCOUNTS,
        )

    async def save_posts(self, documents: Collection[PostDocument]) -> None:
        await self._bulk(
            [
                (
                    {"index": {"_id": str(one.post_id), "version": one.version, "version_type": "external_gte"}},
                    {**one.fields, "version": one.version},
                )
                for one in documents
            ],
            POSTS,
        )

    async def shown_posts_of(self, author_ids: Collection[int]) -> AsyncIterator[list[PostDocument]]:
        """Yield the posts of up to a batch of authors that can be found, emptied, page by page; all that were saved
        before."""
        await self._call(self._client.indices.refresh(index=self._indices[POSTS]))
        after: int | None = None
        while True:
            query: dict[str, Any] = {
                "query": {"bool": {"filter": [{"terms": {"author": list(author_ids)}}]}},
                "sort": [{"id": "asc"}],
                "size": _PAGE,
                "_source": ["author", "version"],
            }
            if after is not None:
                query["search_after"] = [after]
            found = await self._call(self._client.search(index=self._indices[POSTS], body=query))
            hits = found["hits"]["hits"]
            yield [PostDocument(int(hit["_id"]), hit["_source"]["author"], hit["_source"]["version"]) for hit in hits]
            if len(hits) < _PAGE:
                return
            after = hits[-1]["sort"][0]

    async def _bulk(self, actions: Sequence[tuple[dict[str, Any], dict[str, Any]]], name: str) -> None:
        """Raises SearchUnavailable if not all was written, and Invalid for a document that never can be."""
        for body in _chunks(actions):
            answer = await self._call(self._client.bulk(index=self._indices[name], body=body))
            DOCUMENTS.labels(name).inc(len(answer["items"]))
            if answer["errors"]:
                for item in answer["items"]:
                    [result] = item.values()
                    _check(result)

    async def _call(self, call: Any) -> Any:
        try:
            return await call
        except OpenSearchException as error:
            if unavailable(error) or not isinstance(error, TransportError):
                raise SearchUnavailable from error
            REFUSED.labels("consumer").inc()
            raise


def _update(
    account_id: int, part: str, version: int, fields: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    parameters = {"part": part, "version": version, "fields": fields}
    return (
        {"update": {"_id": str(account_id), "retry_on_conflict": 10}},
        {
            "script": {"source": _UPDATE, "params": parameters},
            "upsert": {"v": {part: version}, **fields},
        },
    )


def _check(result: Mapping[str, Any]) -> None:
    status = result["status"]
    if status < 300 or (status == 409 and "is higher" in result["error"]["reason"]):
        return
    if status == 400:
        REFUSED.labels("consumer").inc()
        raise Invalid(f"the document {result['_id']}: {result['error']['type']}")
    raise SearchUnavailable(f"{status}: {result['error']['type']}")


def _chunks(actions: Sequence[tuple[dict[str, Any], dict[str, Any]]]) -> Iterator[str]:
    """Yield bodies of bulk requests."""
    lines: list[str] = []
    size = 0
    for action, document in actions:
        pair = f"{json.dumps(action)}\n{json.dumps(document, ensure_ascii=False)}\n"
        length = len(pair.encode())
        if lines and (len(lines) >= _MAX_DOCUMENTS or size + length > _MAX_BYTES):
            yield "".join(lines)
            lines, size = [], 0
        lines.append(pair)
        size += length
    if lines:
        yield "".join(lines)
