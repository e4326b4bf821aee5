"""The internal API of feed."""

from __future__ import annotations

from photomesh_shared.internal_api.operation import Operation
from photomesh_shared.internal_api.states import AccountState, RelationStates, StoredAccount, StoredRelations

__all__ = ["PUT_ACCOUNT", "PUT_RELATIONS"]

PUT_ACCOUNT = Operation(
    "PUT", "/internal/accounts/{account_id}", StoredAccount, body=AccountState, callers=frozenset({"identity"})
)
"""Stores an account ahead of its event, unless a newer version is stored: for those that are deactivated or leave."""

PUT_RELATIONS = Operation(
    "PUT", "/internal/relations", StoredRelations, body=RelationStates, callers=frozenset({"social-graph"})
)
"""Stores relations ahead of their events, unless newer versions are stored: for blocks and removed followers."""
