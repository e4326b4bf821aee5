"""The internal API of feed."""

from __future__ import annotations

from photomesh_shared.internal_api.operation import Operation
from photomesh_shared.internal_api.states import RelationStates, StoredRelations

__all__ = ["PUT_RELATIONS"]

PUT_RELATIONS = Operation(
    "PUT", "/internal/relations", StoredRelations, body=RelationStates, callers=frozenset({"social-graph"})
)
"""Stores relations ahead of their events, unless newer versions are stored: for blocks and removed followers."""
