"""Maps events to the use case; the lane decides which events."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from photomesh_media_worker.service import MediaService
from photomesh_shared.events import Event
from photomesh_shared.events.photos import PhotoReprocessRequested, PhotoUploaded
from photomesh_shared.kafka.handling import Handler

__all__ = ["LANES", "Lane", "handlers"]


@dataclass(frozen=True)
class Lane:
    """A consumer group; bulk work has its own, so that it never delays people's uploads."""

    group: str
    event: type[Event]


LANES: Mapping[Literal["uploads", "reprocess"], Lane] = {
    "uploads": Lane("media-worker", PhotoUploaded),
    "reprocess": Lane("media-worker-reprocess", PhotoReprocessRequested),
}


def handlers(lane: Lane, service: MediaService) -> Mapping[type[Event], Handler]:
    return {lane.event: service.process}
