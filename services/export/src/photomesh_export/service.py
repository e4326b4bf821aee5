"""Use cases of the API: begin an export, see how far it is, cancel it."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from photomesh_export.domain import Export, ExportPart, Progress, Proof, State, may_start_at, zip_name
from photomesh_export.errors import ExportNotFound, ExportTooSoon
from photomesh_export.metrics import ENDED, STARTED
from photomesh_shared import ids
from photomesh_shared.clock import Clock

__all__ = ["ExportService", "ExportStore", "ExportView", "Link", "Links", "Owners"]

_DAY = timedelta(days=1)


class ExportStore(Protocol):
    """See `store.accounts.AccountExports`."""

    async def begin(
        self, account_id: int, prefix: str, now: datetime, *, since: datetime, check: Callable[[Sequence[Export]], None]
    ) -> tuple[Export, bool]: ...
    async def latest(self, account_id: int) -> Progress | None: ...
    async def cancel(self, account_id: int, now: datetime) -> int: ...


class Owners(Protocol):
    async def confirm(self, account_id: int, proof: Proof) -> None:
        """Raises one of `internal_api.confirmation.REFUSALS`, or ServiceUnavailable."""
        ...


class Links(Protocol):
    """See `objects.ExportsBucket`."""

    async def link(self, key: str, filename: str, seconds: int) -> str: ...


@dataclass(frozen=True)
class Link:
    """A part with a URL by which anybody can fetch it until `expires_at`."""

    part: ExportPart
    filename: str
    url: str
    expires_at: datetime


@dataclass(frozen=True)
class ExportView:
    """`next_at`: from when on the account may begin another; None while this one runs."""

    progress: Progress
    links: Sequence[Link]
    next_at: datetime | None


class ExportService:
    def __init__(
        self,
        store: ExportStore,
        owners: Owners,
        links: Links,
        clock: Clock,
        *,
        link_lifetime: timedelta,
        pause: timedelta,
        max_starts: int,
    ) -> None:
        self._store = store
        self._owners = owners
        self._links = links
        self._clock = clock
        self._link_lifetime = link_lifetime
        self._pause = pause
        self._max_starts = max_starts

    async def begin(self, account_id: int, proof: Proof) -> ExportView:
        """Begin an export; the account's running one, if there is one, stays. Raises as `Owners.confirm`, and
        ExportTooSoon, or AccountNotFound for an account that was erased."""
        await self._owners.confirm(account_id, proof)
        now = self._clock.now()
        prefix = f"{ids.encode('u', account_id)}/{secrets.token_urlsafe(16)}"
        _, new = await self._store.begin(
            account_id,
            prefix,
            now,
            since=now - max(self._pause, _DAY),
            check=lambda earlier: self._require_pause(earlier, now),
        )
        if new:
            STARTED.inc()
        return await self.latest(account_id)

    async def latest(self, account_id: int) -> ExportView:
        """Return the account's latest export. Each call signs new links of a finished one. Raises
        ExportNotFound."""
        progress = await self._store.latest(account_id)
        if progress is None:
            raise ExportNotFound
        export, now = progress.export, self._clock.now()
        links = []
        if export.state is State.COMPLETED and export.expires_at and now < export.expires_at:
            # A link may outlive neither its minutes nor the export.
            expires_at = min(now + self._link_lifetime, export.expires_at)
            seconds = max(int((expires_at - now).total_seconds()), 1)
            for part in progress.parts:
                name = zip_name(export, part.number)
                links.append(Link(part, name, await self._links.link(part.object_key, name, seconds), expires_at))
        running = export.ended_at is None
        next_at = may_start_at([export], now, pause=self._pause, max_starts=self._max_starts)
        return ExportView(progress, links, None if running else next_at)

    async def cancel(self, account_id: int) -> None:
        """Cancel the running export; delete the finished one. Idempotent. Objects are deleted within minutes."""
        for _ in range(await self._store.cancel(account_id, self._clock.now())):
            ENDED.labels("cancelled").inc()

    def _require_pause(self, earlier: Sequence[Export], now: datetime) -> None:
        at = may_start_at(earlier, now, pause=self._pause, max_starts=self._max_starts)
        if at > now:
            seconds = int((at - now).total_seconds()) + 1
            next_at = at.isoformat(timespec="seconds").replace("+00:00", "Z")
            raise ExportTooSoon(f"The next export may begin at {next_at}.", headers={"Retry-After": str(seconds)})
