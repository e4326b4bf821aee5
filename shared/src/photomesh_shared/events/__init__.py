"""Every event of the platform, and the catalogue of topics that carry them."""

from photomesh_shared.events.accounts import AccountRegistered, AccountUpdated
from photomesh_shared.events.catalogue import TOPICS, Topic, dead_letter_topic
from photomesh_shared.events.envelope import (
    Envelope,
    Event,
    EventModel,
    Record,
    Undecodable,
    UnknownType,
    UtcTime,
    decode,
    encode,
    event_types,
)
from photomesh_shared.events.photos import (
    PhotoFailed,
    PhotoMetadata,
    PhotoReady,
    PhotoRejected,
    PhotoReprocessRequested,
    PhotoUploaded,
    Reason,
    Variant,
)
from photomesh_shared.events.posts import (
    Place,
    PostCreated,
    PostDeleted,
    PostEdited,
    PostFailed,
    PostPhoto,
    PostPublished,
)

__all__ = [
    "TOPICS",
    "AccountRegistered",
    "AccountUpdated",
    "Envelope",
    "Event",
    "EventModel",
    "PhotoFailed",
    "PhotoMetadata",
    "PhotoReady",
    "PhotoRejected",
    "PhotoReprocessRequested",
    "PhotoUploaded",
    "Place",
    "PostCreated",
    "PostDeleted",
    "PostEdited",
    "PostFailed",
    "PostPhoto",
    "PostPublished",
    "Reason",
    "Record",
    "Topic",
    "Undecodable",
    "UnknownType",
    "UtcTime",
    "Variant",
    "dead_letter_topic",
    "decode",
    "encode",
    "event_types",
]
