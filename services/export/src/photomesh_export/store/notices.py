"""Mails about exports that are still to be sent."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from photomesh_export.domain import Notice
from photomesh_shared.internal_api.confirmation import ExportNoticeKind
from photomesh_shared.stores.postgres import connection

if TYPE_CHECKING:
    from photomesh_shared.stores.postgres import Pool

__all__ = ["ExportNotices"]

_COLUMNS = {
    ExportNoticeKind.REQUESTED: ("request_notice_due", "created_at"),
    ExportNoticeKind.READY: ("ready_notice_due", "ended_at"),
}
"""When it is due, and the time that it speaks of."""


class ExportNotices:
    """Implements `running.notices.NoticeStore`. Every method raises DatabaseUnavailable when the server does not
    answer."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def claim(self, now: datetime, until: datetime, limit: int) -> list[Notice]:
        """Take notices that are due; those that are not removed are due again at `until`."""
        found = []
        async with connection(self._pool) as conn:
            for kind, (due, at) in _COLUMNS.items():
                rows = await conn.fetch(
                    f"UPDATE exports SET {due} = $2 WHERE id IN (SELECT id FROM exports WHERE {due} <= $1"  # noqa: S608
                    f" ORDER BY {due} LIMIT $3 FOR UPDATE SKIP LOCKED) RETURNING id, account_id, {at} AS at",
                    now,
                    until,
                    limit,
                )
                found += [Notice(kind, row["id"], row["account_id"], row["at"]) for row in rows]
        return found

    async def remove(self, notice: Notice) -> None:
        async with connection(self._pool) as conn:
            due, _ = _COLUMNS[notice.kind]
            await conn.execute(f"UPDATE exports SET {due} = NULL WHERE id = $1", notice.export_id)  # noqa: S608
