"""Calling internal APIs in tests, as the programs that may."""

from __future__ import annotations

import json
import re
from collections.abc import Generator, Mapping
from types import ModuleType

import httpx

from photomesh_shared.clock import SystemClock
from photomesh_shared.internal_api import Operation, export
from photomesh_shared.internal_api.credentials import CallSigner
from photomesh_shared.settings import ReplaceableSecret

__all__ = ["RightfulCaller", "operations_of"]


def operations_of(contract: ModuleType) -> list[Operation[object]]:
    """The operations of a module of `photomesh_shared.internal_api`."""
    return [value for value in vars(contract).values() if isinstance(value, Operation)]


class RightfulCaller(httpx.Auth):
    """Adds to each request to `/internal` the token of a program that may call the operation."""

    def __init__(self, service: Mapping[str, str], *contracts: ModuleType) -> None:
        """`service`: the environment of the called program."""
        self._service = service
        self._operations = [operation for contract in (*contracts, export) for operation in operations_of(contract)]

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        if request.url.path.startswith("/internal/"):
            request.headers["Authorization"] = self._authorization(request.method, request.url.path)
        yield request

    def _authorization(self, method: str, path: str) -> str:
        (caller, *_) = (
            caller
            for operation in self._operations
            if operation.method == method and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", operation.path), path)
            for caller in sorted(operation.callers)
        )
        key = ReplaceableSecret(json.loads(self._service["PHOTOMESH_CALLER_KEYS"])[caller])
        return CallSigner(caller, self._service["PHOTOMESH_PROGRAM"], key, SystemClock()).authorization()
