"""What of a response the OpenAPI document does not declare."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from tools.openapi import FILES, operations

__all__ = ["undeclared_headers"]

Json = dict[str, Any]

DOCUMENT: Json = json.loads(FILES[0].read_text())
_OPERATIONS = [
    (method, re.compile(re.sub(r"\{\w+\}", "[^/]+", path)), operation)
    for method, path, operation in operations(DOCUMENT)
]
# HTTP's own, of any response (OpenAPI forbids to declare the first).
_OF_HTTP = {"content-type", "content-length", "date", "server", "connection", "transfer-encoding"}


def undeclared_headers(method: str, path: str, status: int, headers: Mapping[str, Any]) -> set[str]:
    """The headers of a response that its operation does not declare for the status, in lower case."""
    if status == 405:
        return set()  # no operation has this method and path
    [*found] = (
        operation
        for other, pattern, operation in _OPERATIONS
        if other == method and pattern.fullmatch(path.partition("?")[0])
    )
    if not found:
        return set()
    declared = set(_OF_HTTP)
    for operation in found:
        response = operation["responses"].get(str(status), {})
        if "$ref" in response:
            response = DOCUMENT["components"]["responses"][response["$ref"].rpartition("/")[2]]
        declared |= {name.lower() for name in response.get("headers", {})}
    return {name.lower() for name in headers} - declared
