"""Reads what was served, seen and liked from the topics."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime

from photomesh_explore_trainer.domain.dataset import Dataset
from photomesh_explore_trainer.domain.joining import Joiner
from photomesh_shared.events import (
    AccountErasureRequested,
    CommentCreated,
    Envelope,
    Event,
    FeedServed,
    ImpressionsRecorded,
    PostLiked,
    PostSaved,
    decode_or_skip,
)
from photomesh_shared.kafka.reading import read_topic
from photomesh_shared.settings import KafkaSettings

__all__ = ["read_dataset"]


async def read_dataset(kafka: KafkaSettings, since: datetime) -> Dataset:
    """Read the records written since then. Raises Unavailable."""
    erased = {
        event.data.user_id
        async for event in _events(kafka, "erasures", None)
        if isinstance(event.data, AccountErasureRequested)
    }
    joiner = Joiner(erased)
    async for event in _events(kafka, "impressions", since):
        if isinstance(event.data, ImpressionsRecorded):
            joiner.add_impressions(event.data)
    async for event in _events(kafka, "served", since):
        if isinstance(event.data, FeedServed):
            joiner.add_served(event.data)
    for topic in ("engagement", "saves"):
        async for event in _events(kafka, topic, since):
            match event.data:
                case PostLiked(account_id=account, post_id=post):
                    joiner.add_reaction("like", account, post, event.time)
                case CommentCreated(account_id=account, post_id=post):
                    joiner.add_reaction("comment", account, post, event.time)
                case PostSaved(account_id=account, post_id=post):
                    joiner.add_reaction("save", account, post, event.time)
    return joiner.dataset()


async def _events(kafka: KafkaSettings, topic: str, since: datetime | None) -> AsyncIterator[Envelope[Event]]:
    async for received in read_topic(kafka, topic, since=since):
        if received.record.value and (event := decode_or_skip(received.record)):
            yield event
