"""Entities of texts: event → cell, cell → entities. Pure."""

from __future__ import annotations

from pydantic import TypeAdapter

from photomesh_post.tables.rows import decode_json
from photomesh_post.texts.domain import entities_in
from photomesh_shared.events import TextEntities

__all__ = ["decode_entities", "encode_entities"]

_ENTITIES = TypeAdapter(TextEntities)


def encode_entities(entities: TextEntities | None) -> str:
    return entities.model_dump_json() if entities else ""


def decode_entities(cell: str | None, text: str) -> TextEntities:
    """The entities of a text. Those of an event from before they were kept are found again, without accounts."""
    return decode_json(_ENTITIES, cell) or entities_in(text)
