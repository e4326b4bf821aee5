"""Consumer groups in tests."""

from __future__ import annotations

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupCoordinatorNotAvailableError
from aiokafka.protocol.group import LeaveGroupRequest

from photomesh_shared.kafka.connection import connection_options
from photomesh_shared.settings import KafkaSettings
from tests.support.waiting import eventually

__all__ = ["forget_members"]


async def forget_members(kafka: KafkaSettings, group: str) -> None:
    """Has all members leave, on their behalf.

    After a SIGKILL the broker would wait out the session (30 s) before others get the partitions; a test that kills a
    consumer at every step has no need to.
    """
    admin = AIOKafkaAdminClient(**connection_options(kafka))
    await admin.start()
    try:
        coordinator = await _coordinator(admin, group)
        (description,) = await admin.describe_consumer_groups([group], coordinator)
        for member in (member for found in description.groups for member in found[5]):
            await admin._send_request(LeaveGroupRequest(group, member[0]), coordinator)
    finally:
        await admin.close()


async def _coordinator(admin: AIOKafkaAdminClient, group: str) -> int:
    """The broker that has the group; none has for some seconds after Kafka started."""

    async def look() -> int | None:
        try:
            found: int = await admin.find_coordinator(group)
        except GroupCoordinatorNotAvailableError:
            return None
        return found

    coordinator = await eventually(look, until=lambda found: found is not None)
    assert coordinator is not None
    return coordinator
