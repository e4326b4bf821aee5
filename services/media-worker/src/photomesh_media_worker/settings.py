"""This service's variables; see also the parts in `photomesh_shared.settings`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, SecretStr

from photomesh_shared.settings import KafkaConsumerSettings, StorageSettings

__all__ = ["Settings"]


class Settings(KafkaConsumerSettings, StorageSettings):
    lane: Literal["uploads", "reprocess"] = Field(
        "uploads",
        description="Which photos: those that people wait for, or those that are processed again in bulk.",
    )
    variant_key_secret: SecretStr = Field(description="Makes the names of public objects, so that nobody guesses them.")
    decoders: int = Field(2, ge=1, description="Photos decoded at the same time, each in a process of its own.")
    decoder_memory_mb: int = Field(768, ge=256, description="Memory that decoding one photo may take.")
    decoder_cpu_seconds: int = Field(15, ge=1, description="Processor time that decoding one photo may take.")
    decoder_wall_seconds: float = Field(60, gt=0, description="Time after which a decoder counts as hung.")
