"""Topics of stories."""

from __future__ import annotations

from datetime import timedelta

from photomesh_shared.events.catalogue import GIB, Topic

__all__ = ["STORIES"]

STORIES = (
    Topic(
        name="stories",
        summary="Stories: published, deleted, and what became of them when their time was over.",
        owner="story",
        types=(
            "photomesh.story.published.v1",
            "photomesh.story.deleted.v1",
            "photomesh.story.expired.v1",
        ),
        consumers=("story", "notification"),
        key="story id",
        owner_id="account id of the story's author",
        order="All events of one author's stories, in the order of occurrence.",
        cleanup="delete",
        retention=timedelta(days=3),
        retention_bytes=16 * GIB,
        rebuild="All stories that can still be seen: they last a day.",
        personal_data="Alt texts, and where the photo is, as published by the author.",
        freshness="Before the answer to the request: the log is written first.",
    ),
    Topic(
        name="story_views",
        summary="story's internal log: who saw which story. Who viewed a story and how many did is a projection of it.",
        owner="story",
        types=("photomesh.story.viewed.v1",),
        consumers=("story",),
        key="`st_…:u_…`, the story and the viewer",
        owner_id="account id of the viewer",
        order="All views of one viewer, in the order of occurrence.",
        cleanup="delete",
        retention=timedelta(days=3),
        retention_bytes=16 * GIB,
        rebuild="The views of all stories that can still be seen.",
        personal_data="Who saw whose story, and when: for the story's author only.",
        freshness="Before the answer to the request: the log is written first.",
        restricted=True,
    ),
    Topic(
        name="story_replies",
        summary="Replies to stories, which the story's author and the replier alone may read.",
        owner="story",
        types=("photomesh.story-reply.created.v1", "photomesh.story-reply.deleted.v1"),
        consumers=("story", "notification", "webhook"),
        key="`st_…:u_…`, the story and who replied",
        owner_id="account id of who replied",
        order="All replies of one account and their ends, in the order of occurrence.",
        cleanup="delete",
        retention=timedelta(days=3),
        retention_bytes=16 * GIB,
        rebuild="Replies of the last days. Cassandra has them as long as the story's rows.",
        personal_data="Texts between two accounts, as they were written.",
        freshness="Before the answer to the request: the log is written first.",
        restricted=True,
    ),
)
