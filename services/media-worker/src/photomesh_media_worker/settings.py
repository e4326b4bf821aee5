"""Environment variables of the service, beside those of `photomesh_shared.settings`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, SecretStr

from photomesh_shared.settings import KafkaConsumerSettings, StorageSettings

__all__ = ["Settings"]


class Settings(KafkaConsumerSettings, StorageSettings):
    lane: Literal["uploads", "reprocess"] = Field(
        "uploads",
        description="uploads: photos that people wait for. reprocess: bulk reprocessing.",
    )
    variant_key_secret: SecretStr = Field(description="Derives the unguessable part of public object keys.")
    decoders: int = Field(2, ge=1, description="Photos decoded concurrently, each in its own process.")
    decoder_memory_mb: int = Field(768, ge=256, description="Memory limit of a decoder, beyond its own size.")
    decoder_cpu_seconds: int = Field(15, ge=1, description="CPU time limit for one photo.")
    account_decoder_seconds: float = Field(
        1800, gt=0, description="Seconds for which one account's uploads may keep decoders busy in a day."
    )
    decoder_wall_seconds: float = Field(
        60, gt=0, description="Wall-clock limit for one photo, after which the decoder is killed."
    )
