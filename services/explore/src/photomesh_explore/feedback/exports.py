"""What explore holds of an account, for its export: what it said."""

from __future__ import annotations

from photomesh_explore.feedback.event_log import FeedbackStore
from photomesh_shared.internal_api.export import ExportPage, ExportQuery, int_cursor, item_of, require_section

__all__ = ["ExportQueries"]

_SECTIONS = {"explore_feedback": True}
_IDS = {"post_id": "o", "author_id": "u"}


class ExportQueries:
    def __init__(self, store: FeedbackStore) -> None:
        self._store = store

    async def page(self, account_id: int, query: ExportQuery) -> ExportPage:
        """All on the first page: there is a bound. Raises NotFound, InvalidCursor, Unavailable."""
        require_section(_SECTIONS, query.section)
        if query.cursor and int_cursor(query.cursor):
            return ExportPage(section=query.section, items=[], next_cursor=None)
        given, _ = await self._store.given(account_id)
        items = [
            item_of(
                {
                    "kind": one.kind,
                    "post_id": one.post_id,
                    "author_id": one.author_id,
                    "tags": list(one.tags),
                    "given_at": one.given_at,
                },
                _IDS,
            )
            for one in given
        ]
        return ExportPage(section=query.section, items=items, next_cursor=None)
