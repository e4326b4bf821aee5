"""What the export of an account is made of. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from photomesh_shared.events import Event

__all__ = ["SeenPage"]


class SeenPage(NamedTuple):
    """Records of an account in a topic, and the offset after those that were searched; None at the
    end."""

    events: Sequence[Event]
    next_offset: int | None
