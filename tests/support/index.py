"""An index that is built from topics, as far as its rebuilder is concerned."""

from __future__ import annotations

__all__ = ["BuiltIndex"]


class BuiltIndex:
    """Implements `consumer.rebuilding.Index`. `lost`: it is emptied so often during a building."""

    def __init__(self, lost: int = 0) -> None:
        self.ready = False
        self.lost = lost
        self.token = ""

    async def is_ready(self) -> bool:
        return self.ready

    async def begin_building(self, token: str) -> bool:
        if self.token:
            return False
        self.token = token
        return True

    async def keep_building(self) -> None:
        assert self.token

    async def finish_building(self, token: str) -> bool:
        if self.lost:
            self.lost -= 1
            self.token = ""
        self.ready = self.token == token
        return self.ready
