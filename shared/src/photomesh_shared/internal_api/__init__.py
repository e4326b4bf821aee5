"""What `/internal` routes take and return: one module per service, imported by that service and its clients.

No gateway leads to these routes and they take no token. All of them are reads, so every call may be repeated.
`tests/contract/test_internal_api.py` compares the routes with the operations that are declared here.
"""

from photomesh_shared.internal_api.operation import InternalModel, Operation

__all__ = ["InternalModel", "Operation"]
