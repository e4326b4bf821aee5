"""Composition root."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from photomesh_explore_trainer.domain.dataset import Dataset
from photomesh_explore_trainer.service import Trainer
from photomesh_explore_trainer.settings import Settings
from photomesh_explore_trainer.sources import read_dataset
from photomesh_explore_trainer.store import ModelStore
from photomesh_shared.clock import Clock
from photomesh_shared.stores.object_storage import open_storage

__all__ = ["open_trainer"]


@asynccontextmanager
async def open_trainer(settings: Settings, clock: Clock) -> AsyncIterator[Trainer]:
    async def read(since: datetime) -> Dataset:
        return await read_dataset(settings, since)

    async with open_storage(settings) as storage:
        yield Trainer(
            ModelStore(storage, settings.raw_bucket),
            read,
            clock,
            days=settings.trainer_days,
            stage=timedelta(hours=settings.trainer_stage_hours),
            pause=timedelta(hours=settings.trainer_pause_hours),
        )
