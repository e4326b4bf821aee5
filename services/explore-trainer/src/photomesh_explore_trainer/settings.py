"""Settings of the trainer; see also the parts in `photomesh_shared.settings`."""

from __future__ import annotations

from pydantic import Field

from photomesh_shared.settings import KafkaSettings, ServiceSettings, StorageSettings

__all__ = ["Settings"]


class Settings(ServiceSettings, KafkaSettings, StorageSettings):
    """Of ``python -m photomesh_explore_trainer``."""

    trainer_days: int = Field(9, ge=4, le=27, description="Days of records that a model learns from and is judged by.")
    trainer_stage_hours: float = Field(24, ge=0, description="How long a model stays in the shadow, and at 5 %.")
    trainer_pause_hours: float = Field(20, ge=0, description="Time between two trainings.")
