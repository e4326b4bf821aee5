"""Topics of relations between accounts."""

from __future__ import annotations

from photomesh_shared.events.catalogue import WHOLE, Topic

__all__ = ["RELATIONS"]

RELATIONS = (
    Topic(
        name="follows",
        summary="Follows, follow requests, blocks and mutes.",
        owner="social-graph",
        types=(
            "photomesh.follow.created.v1",
            "photomesh.follow.deleted.v1",
            "photomesh.follow.requested.v1",
            "photomesh.follow.request-closed.v1",
            "photomesh.block.created.v1",
            "photomesh.block.deleted.v1",
            "photomesh.mute.created.v1",
            "photomesh.mute.deleted.v1",
        ),
        consumers=("post", "feed", "notification", "webhook", "story", "search", "explore"),
        key="the two account ids and what is between them: `u_…:u_…:follow` (also a request), `:block` or `:mute`",
        owner_id="account id of the first of the pair: the follower, blocker or muter",
        order="All actions of one account on others, in the order of occurrence.",
        cleanup="compact",
        rebuild=WHOLE,
        personal_data="Relations between accounts. Blocks and mutes are private to the account that made them.",
        freshness="Within a second of the answer to the request (outbox).",
    ),
    Topic(
        name="close_friends",
        summary="Lists of close friends: for whom an account's stories of that audience are.",
        owner="social-graph",
        types=("photomesh.close-friend.added.v1", "photomesh.close-friend.removed.v1"),
        consumers=("story",),
        key="`u_…:u_…`, the list's owner and the friend",
        owner_id="account id of the list's owner",
        order="All changes of one account's list, in the order of occurrence.",
        cleanup="compact",
        rebuild=WHOLE,
        personal_data="Whom an account chose as close friends: private to it, and not known to those who are chosen.",
        freshness="Within a second of the answer to the request (outbox).",
        restricted=True,
    ),
)
