"""Which models rank for whom: the pointer that the trainer writes and that servers poll, and keys of models.

    raw     models/home/current.json                          the pointer
            models/home/20261121T020000Z-3f9c1a7be04d/        time and digest of model.json
                model.json  calibration.json  meta.json

`base` ranks for everybody but a share of the viewers, for whom `candidate` does. A share of 0 is the shadow: servers
score and compare, and nobody sees it. Without either, the weights rank.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

__all__ = [
    "HOME",
    "MAX_POINTER_BYTES",
    "MODELS_PREFIX",
    "ModelName",
    "Pointer",
    "Status",
    "model_key",
    "pointer_key",
    "trained_at",
]

HOME = "home"
MODELS_PREFIX = "models/"
MAX_POINTER_BYTES = 64 * 1024

ModelName = Annotated[str, Field(pattern=r"^\d{8}T\d{6}Z-[0-9a-f]{12}$")]


class Status(BaseModel):
    """What the trainer last found, for metrics of those who serve."""

    model_config = ConfigDict(frozen=True)

    reviewed_at: AwareDatetime
    trained_at: AwareDatetime | None = None
    """When training was last tried."""
    outcome: str = Field("", max_length=500)
    calibration: dict[str, float] = {}
    """Of the latest day by head: the mean probability, divided by the rate."""


class Pointer(BaseModel):
    model_config = ConfigDict(frozen=True)

    format: Literal[1] = 1
    base: ModelName | None = None
    candidate: ModelName | None = None
    share: float = Field(0.0, ge=0, le=1, allow_inf_nan=False)
    since: AwareDatetime
    """When base, candidate or share last changed."""
    status: Status

    def encode(self) -> bytes:
        return self.model_dump_json(indent=2).encode()

    def takes_candidate(self, account_id: int) -> bool:
        """Whether the candidate ranks for an account. Stable for a candidate, and another choice for the next one."""
        if self.candidate is None:
            return False
        drawn = hashlib.blake2b(f"{self.candidate}:{account_id}".encode(), digest_size=8).digest()
        return int.from_bytes(drawn) < self.share * 2**64


def pointer_key(kind: str = HOME) -> str:
    return f"{MODELS_PREFIX}{kind}/current.json"


def model_key(name: str, file: str, kind: str = HOME) -> str:
    return f"{MODELS_PREFIX}{kind}/{name}/{file}"


def trained_at(name: str) -> datetime:
    """Return the time in a model's name."""
    return datetime.strptime(name.partition("-")[0] + "+0000", "%Y%m%dT%H%M%SZ%z")
