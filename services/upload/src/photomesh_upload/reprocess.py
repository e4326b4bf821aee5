"""Request that photos be processed again, after the pipeline has changed or photos have failed::

    python -m photomesh_upload.reprocess --photo p_SH3ywmy5ZI --photo p_SH3yx09aQk
    python -m photomesh_upload.reprocess --account u_SH3wjOGN5E
    python -m photomesh_upload.reprocess --before 2026-11-01T00:00:00Z --limit 10000 --after p_SH3ywmy5ZI
    python -m photomesh_upload.reprocess --account u_SH3wjOGN5E --dry-run

Adds requests to upload's outbox; the running service relays them to `photos_reprocess`, whose workers have the lowest
priority. Public URLs stay the same unless the pixels change. Prints where to continue if there are more photos.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from datetime import datetime

from photomesh_shared import ids
from photomesh_shared.clock import SystemClock
from photomesh_shared.errors import Unavailable
from photomesh_shared.settings import PostgresSettings, ServiceSettings, StorageSettings
from photomesh_shared.stores.object_storage import open_storage
from photomesh_shared.stores.postgres import open_pool
from photomesh_upload.domain import Selection
from photomesh_upload.objects import RawBucket
from photomesh_upload.reprocessing import MAX_LIMIT, Outcome, Reprocessing
from photomesh_upload.store import PostgresUploads

__all__ = ["main"]


class Settings(ServiceSettings, PostgresSettings, StorageSettings):
    """Of this command; the service has more."""


def _photo(text: str) -> int:
    return ids.decode("p", text)


def _account(text: str) -> int:
    return ids.decode("u", text)


def _time(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise ValueError("a time without offset")
    return time


def _limit(text: str) -> int:
    limit = int(text)
    if not 1 <= limit <= MAX_LIMIT:
        raise ValueError("out of range")
    return limit


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="photomesh_upload.reprocess", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--photo", type=_photo, action="append", metavar="ID", help="this photo; may be repeated")
    parser.add_argument("--account", type=_account, metavar="ID", help="photos of this account")
    parser.add_argument("--before", type=_time, metavar="TIME", help="photos uploaded before, with an offset")
    parser.add_argument("--limit", type=_limit, default=1_000, help=f"photos at most (1000; up to {MAX_LIMIT})")
    parser.add_argument("--after", type=_photo, default=0, metavar="ID", help="continue above this photo id")
    parser.add_argument("--per-second", type=float, default=100, metavar="N", help="requests per second (100)")
    parser.add_argument("--dry-run", action="store_true", help="count, and request nothing")
    return parser


async def _request(selection: Selection, options: argparse.Namespace) -> Outcome:
    settings = Settings()
    async with open_pool(settings.postgres_dsn.get_secret_value(), size=2) as pool, open_storage(settings) as storage:
        reprocessing = Reprocessing(
            PostgresUploads(pool),
            RawBucket(storage, settings.raw_bucket),
            SystemClock(),
            region=settings.region,
            per_second=options.per_second,
        )
        return await reprocessing.request(selection, limit=options.limit, after=options.after, dry_run=options.dry_run)


def main(arguments: list[str] | None = None) -> int:
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.per_second <= 0:
        parser.error("--per-second must be above 0")
    try:
        selection = Selection(tuple(options.photo) if options.photo else None, options.account, options.before)
    except ValueError as error:
        parser.error(str(error))
    try:
        outcome = asyncio.run(_request(selection, options))
    except (Unavailable, OSError) as error:
        print(str(error) or type(error).__name__, file=sys.stderr)
        return 1
    print(f"{'would request' if options.dry_run else 'requested'}: {outcome.requested}")
    print(f"without an original: {outcome.missing}; with another original: {outcome.replaced}")
    if outcome.last_photo_id is not None:
        print(f"there are more: continue with --after {ids.encode('p', outcome.last_photo_id)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
