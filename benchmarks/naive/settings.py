"""The naive server's variables: a few of its own, and PHOTOMESH_… for what it shares with ours, the token check."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

__all__ = ["Settings"]


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="PHOTOMESH_")

    port: int
    naive_url: str
    naive_dsn: str
    naive_folder: Path = Field(description="Where photos lie.")
    naive_pool: int = Field(8, description="Connections to PostgreSQL; more made it slower on two cores.")
    jwks_url: str
    token_issuer: str = "photomesh"
    token_audience: str = "photomesh-api"
