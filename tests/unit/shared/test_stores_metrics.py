"""What the stores' clients show Prometheus."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError
from prometheus_client import REGISTRY

from photomesh_shared.errors import ObjectStorageUnavailable
from photomesh_shared.stores.object_storage import NoSuchObject, ObjectStorage


class _Failing:
    """An S3 client whose every operation fails with one code."""

    def __init__(self, code: str) -> None:
        self._code = code

    def __getattr__(self, operation: str) -> Any:
        async def call(**_: Any) -> None:
            raise ClientError({"Error": {"Code": self._code}}, operation)

        return call


def _errors(operation: str) -> float:
    value = REGISTRY.get_sample_value("photomesh_object_storage_errors_total", {"operation": operation})
    assert value is not None
    return value


async def test_what_the_store_fails_to_do_is_counted() -> None:
    storage = ObjectStorage(_Failing("InternalError"), None)
    before = _errors("head_object"), _errors("get_object")
    with pytest.raises(ObjectStorageUnavailable):
        await storage.head("raw", "key")
    with pytest.raises(ObjectStorageUnavailable):
        await storage.get("raw", "key", max_bytes=1)
    assert (_errors("head_object"), _errors("get_object")) == (before[0] + 1, before[1] + 1)


async def test_an_object_that_does_not_exist_is_no_error_of_the_store() -> None:
    storage = ObjectStorage(_Failing("NoSuchKey"), None)
    before = _errors("head_object")
    with pytest.raises(NoSuchObject):
        await storage.head("raw", "key")
    assert _errors("head_object") == before
