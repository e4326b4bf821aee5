"""Topics of explore."""

from __future__ import annotations

from photomesh_shared.events.catalogue import WHOLE, Topic

__all__ = ["EXPLORE"]

EXPLORE = (
    Topic(
        name="explore_feedback",
        summary="What accounts want to see more, less or not at all of in explore.",
        owner="explore",
        types=("photomesh.explore-feedback.given.v1", "photomesh.explore-feedback.removed.v1"),
        consumers=("explore",),
        key="the account and what it is about: `u_…:<feedback id>`",
        owner_id="account id",
        order="All feedback of one account, in the order of occurrence.",
        cleanup="compact",
        rebuild=WHOLE,
        personal_data="Whom and what an account does not want to see: private to it.",
        freshness="Before the answer to the request: the log is written first.",
        restricted=True,
    ),
)
