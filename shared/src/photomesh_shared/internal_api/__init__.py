"""Contracts of `/internal` routes: one module per service, imported by that service and its clients.

The gateway does not route to them. Each names the programs that may call it, which prove who they are by a token
(`credentials`). All are idempotent, so every call may be retried.
`tests/contract/test_internal_api.py` compares the routes with the operations declared here.
"""

from photomesh_shared.internal_api.operation import InternalModel, Operation

__all__ = ["InternalModel", "Operation"]
