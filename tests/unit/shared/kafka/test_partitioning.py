"""Partitions are chosen by the owner, with the hash of Kafka's own producers."""

from __future__ import annotations

import pytest

from photomesh_shared.events import event_types
from photomesh_shared.events.documents.asyncapi import example_record
from photomesh_shared.events.envelope import Record
from photomesh_shared.kafka.partitioning import partition_of


@pytest.mark.parametrize(
    ("owner", "hashed"),
    # Apache Kafka's own test: org.apache.kafka.common.utils.UtilsTest.testMurmur2
    [
        (b"21", -973932308),
        (b"foobar", -790332482),
        (b"a-little-bit-long-string", -985981536),
        (b"a-little-bit-longer-string", -1486304829),
        (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        (b"abc", 479470107),
    ],
)
def test_the_hash_is_that_of_kafkas_producers(owner: bytes, hashed: int) -> None:
    assert partition_of(owner, 1 << 31) == hashed & 0x7FFF_FFFF


def test_a_record_without_an_owner_goes_by_its_key() -> None:
    assert Record("topic", b"u_1", b"{}").partition_key == b"u_1"


def test_the_owner_of_a_like_is_the_post_and_the_key_is_the_like() -> None:
    record = example_record(event_types()["photomesh.post.liked.v1"])
    assert (record.key, record.partition_key) == (b"o_SH4082c2jY:u_SH3yaB7zpw", b"o_SH4082c2jY")
