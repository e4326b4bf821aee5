"""What one photo may take."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Limits"]


@dataclass(frozen=True)
class Limits:
    """Of one photo. The largest that are taken need 560 MB of address space and 2 s of processor time."""

    memory_bytes: int = 768 * 1024 * 1024
    """Beyond what the process has when it starts."""
    cpu_seconds: int = 15
    """After these the system ends the process."""
    wall_seconds: float = 60.0
    """After these the parent does: the process hangs, or the machine is overloaded."""
