"""Consumer use cases: tasks become groups."""

from __future__ import annotations

from photomesh_shared.consumer.erasure import Erased
from photomesh_shared.events import (
    AccountErasureRequested,
    Envelope,
    NotificationActorEnded,
    NotificationCollected,
    NotificationRelationChanged,
    NotificationSubjectEnded,
)

__all__ = ["Writer"]


class Writer:
    """Handles the tasks of a recipient in their order: nobody else writes its groups."""

    async def collected(self, envelope: Envelope[NotificationCollected]) -> None: ...

    async def relation_changed(self, envelope: Envelope[NotificationRelationChanged]) -> None: ...

    async def subject_ended(self, envelope: Envelope[NotificationSubjectEnded]) -> None: ...

    async def actor_ended(self, envelope: Envelope[NotificationActorEnded]) -> None: ...

    async def erase(self, envelope: Envelope[AccountErasureRequested]) -> Erased:
        return Erased()
