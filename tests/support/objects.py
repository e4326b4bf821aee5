"""Object storage with every right, as the job that makes the buckets has it."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager

from photomesh_local import environment
from photomesh_shared.settings import StorageSettings
from photomesh_shared.stores.object_storage import ObjectStorage, open_storage
from tests.support.services import settings_from

__all__ = ["open_all_objects"]


def open_all_objects() -> AbstractAsyncContextManager[ObjectStorage]:
    return open_storage(settings_from(StorageSettings, environment("test", "buckets")))
