"""Compares the counts of likes and comments with the rows that they count, while the service runs::

python -m photomesh_post.reconcile                      # checks all; exits with 1 if any count is wrong
python -m photomesh_post.reconcile --post o_9xQ4w2Lr    # checks those of one post
python -m photomesh_post.reconcile --repair             # corrects what is wrong, and publishes the new counts
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from contextlib import aclosing

from photomesh_post.comments.reconciliation import CommentAudit
from photomesh_post.comments.store import CassandraComments
from photomesh_post.counts.publisher import CountPublisher
from photomesh_post.counts.reconciliation import CountAudit, Drift, Reconciliation
from photomesh_post.counts.store import CassandraCounts
from photomesh_post.likes.reconciliation import LikeAudit
from photomesh_post.likes.store import CassandraLikes
from photomesh_post.posts.store import CassandraPosts
from photomesh_post.settings import EngagementSettings
from photomesh_shared import ids
from photomesh_shared.clock import Clock, SystemClock
from photomesh_shared.errors import Unavailable
from photomesh_shared.kafka.publisher import open_publisher
from photomesh_shared.stores.cassandra import open_session

__all__ = ["main", "reconcile"]


async def reconcile(settings: EngagementSettings, clock: Clock, post_id: int | None, *, repair: bool) -> list[Drift]:
    """Every partition whose count is wrong. Raises DatabaseUnavailable or EventLogUnavailable."""
    async with open_session(settings) as session:
        counts = CassandraCounts(session)
        audits: list[CountAudit] = [
            LikeAudit(CassandraLikes(session), counts),
            CommentAudit(CassandraComments(session), counts),
        ]
        found = []
        for audit in audits:
            async with aclosing(Reconciliation(audit, clock).drifts(post_id, repair=repair)) as drifts:
                async for drift in drifts:
                    print(_line(drift))
                    found.append(drift)
        if any(drift.repaired for drift in found):
            posts = CassandraPosts(session, clock)
            async with open_publisher(settings, "post-reconcile") as publisher:
                count_publisher = CountPublisher(counts, publisher, clock)
                for subject_id in {drift.ref.subject_id for drift in found}:
                    if post := await posts.post(subject_id):  # and not a comment
                        count_publisher.mark_changed(post.id, post.author_id)
                await count_publisher.flush()
        return found


def _line(drift: Drift) -> str:
    subject, number = drift.ref
    balance, outcome = drift.balance, "repaired" if drift.repaired else "wrong"
    return (
        f"{drift.audit} of {ids.encode('o', subject)} (or {ids.encode('c', subject)}), partition {number}:"
        f" {balance.rows} rows, counted as {balance.count}, shown as {balance.copied}: {outcome}"
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
