"""The driver's client for administrators."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient

from photomesh_shared.kafka.connection import connection_options
from photomesh_shared.settings import KafkaSettings

__all__ = ["open_admin"]


@asynccontextmanager
async def open_admin(settings: KafkaSettings) -> AsyncIterator[Any]:
    """Open a started client; closed on exit."""
    admin = AIOKafkaAdminClient(**connection_options(settings), request_timeout_ms=15_000)
    try:
        await admin.start()
        yield admin
    finally:
        await admin.close()
