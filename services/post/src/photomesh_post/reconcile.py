"""Compares counts of likes and comments with the rows that they count, while the service runs::

python -m photomesh_post.reconcile                      # all of them; 1 if any is wrong
python -m photomesh_post.reconcile --post o_9xQ4w2Lr    # those of one post
python -m photomesh_post.reconcile --repair             # corrects what is wrong, and tells subscribers
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from contextlib import aclosing

from photomesh_post.comments.reconciliation import CommentsLedger
from photomesh_post.counts.reconciliation import Drift, Reconciliation
from photomesh_post.likes.event_handlers import Announcements
from photomesh_post.likes.reconciliation import LikesLedger
from photomesh_post.likes.store import CassandraLikes
from photomesh_post.posts.store import CassandraStore
from photomesh_post.settings import EngagementSettings
from photomesh_shared import ids
from photomesh_shared.cassandra import open_session
from photomesh_shared.clock import Clock, SystemClock
from photomesh_shared.errors import Unavailable
from photomesh_shared.kafka.publisher import open_publisher

__all__ = ["main", "reconcile"]


async def reconcile(settings: EngagementSettings, clock: Clock, post_id: int | None, *, repair: bool) -> list[Drift]:
    """What is wrong. Raises DatabaseUnavailable or EventLogUnavailable."""
    async with open_session(settings) as session:
        store = CassandraStore(session, clock)
        found = []
        for ledger in (LikesLedger(session), CommentsLedger(session)):
            async with aclosing(Reconciliation(ledger, clock).drifts(post_id, repair=repair)) as drifts:
                async for drift in drifts:
                    print(_line(drift))
                    found.append(drift)
        if any(drift.repaired for drift in found):
            async with open_publisher(settings.kafka_bootstrap, "post-reconcile") as publisher:
                announcements = Announcements(CassandraLikes(session), publisher, clock)
                for subject_id in {drift.place.subject_id for drift in found}:
                    if post := await store.post(subject_id):  # and not a comment
                        announcements.changed(post.id, post.author_id)
                await announcements.tell()
        return found


def _line(drift: Drift) -> str:
    subject = ids.encode("o", drift.place.subject_id)
    balance, outcome = drift.balance, "repaired" if drift.repaired else "wrong"
    return (
        f"{drift.ledger} of {subject} (or {ids.encode('c', drift.place.subject_id)}), part {drift.place.number}:"
        f" {balance.held} rows, counted as {balance.count}, shown as {balance.shown}: {outcome}"
    )


def _post_id(text: str) -> int:
    return ids.decode("o", text)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="photomesh_post.reconcile", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--post", type=_post_id, help="the id of one post", metavar="o_…")
    parser.add_argument("--repair", action="store_true", help="correct what is wrong")
    chosen = parser.parse_args(arguments)
    try:
        found = asyncio.run(reconcile(EngagementSettings(), SystemClock(), chosen.post, repair=chosen.repair))
    except Unavailable as error:
        print(str(error), file=sys.stderr)
        return 1
    wrong = [drift for drift in found if not drift.repaired]
    print(f"{len(found) - len(wrong)} repaired, {len(wrong)} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
