"""Kafka's users and their rights, from the registry of programs and the topic catalogue.

A topic has one writer, the deployable that owns it; only answers to erasures are written by all who are asked. A
consumer reads its group's topics and commits for its group; its dead letters are its own.
"""

from __future__ import annotations

from collections.abc import Collection

from photomesh_local.configuration.registry import PROGRAMS, SUBSCRIBERS, KafkaQuota, Program, Subscriber
from photomesh_shared.events import TOPICS, dead_letter_topic
from photomesh_shared.kafka.admin.users import Right, User

__all__ = ["kafka_users", "published", "read", "rights_of_subscriber"]

_MB = 1_000_000
_ERASURES, _ERASURE_ANSWERS = "erasures", "erasure_acknowledgements"


def kafka_users() -> dict[str, User]:
    """Return user → rights and quotas. Raises LookupError if the registry names a topic that the catalogue lacks."""
    return {
        **{p.name: _user(_rights_of_program(p), p.kafka_quota) for p in PROGRAMS.values() if p.kafka_quota},
        "operator": _user(_rights_of_operator(), KafkaQuota(produce_mb=1, consume_mb=50)),
        "keda": _user(_rights_of_keda(), KafkaQuota(produce_mb=1, consume_mb=1)),
        **{s.name: _user(rights_of_subscriber(s), s.kafka_quota) for s in SUBSCRIBERS.values()},
    }


def published(program: Program) -> list[str]:
    """Return the topics that it may write, without those of dead letters."""
    own = [topic.name for topic in TOPICS.values() if topic.owner == program.deployable.name]
    if unknown := set(program.publishes or ()) - set(own):
        raise LookupError(f"{program.name}: {', '.join(sorted(unknown))} is no topic of {program.deployable.name}")
    return [*(own if program.publishes is None else program.publishes), *_answers(_consumed(program))]


def read(program: Program) -> list[str]:
    """Return the topics that it may read, without those of dead letters."""
    if unknown := set(program.reads) - set(TOPICS):
        raise LookupError(f"{program.name}: {', '.join(sorted(unknown))} is not in the catalogue")
    return list(dict.fromkeys([*_consumed(program), *program.reads]))


def _consumed(program: Program) -> list[str]:
    return [topic.name for topic in TOPICS.values() if program.group in topic.consumers]


def _answers(topics: Collection[str]) -> list[str]:
    """A program that is asked to erase answers, whatever else it may write."""
    return [_ERASURE_ANSWERS] if _ERASURES in topics else []


def _user(rights: list[Right], quota: KafkaQuota) -> User:
    return User(
        rights=tuple(rights),
        produce_bytes_per_second=quota.produce_mb * _MB,
        consume_bytes_per_second=quota.consume_mb * _MB,
    )


def _rights_of_program(program: Program) -> list[Right]:
    if program.makes_topics:
        return [Right(resource="topic", name="*", operations=("All",))]
    rights = [Right(resource="topic", name=topic, operations=("Write",)) for topic in published(program)]
    rights += [Right(resource="topic", name=topic, operations=("Read",)) for topic in read(program)]
    if group := program.group:
        letters = [dead_letter_topic(topic.name, group) for topic in TOPICS.values() if group in topic.consumers]
        rights += [Right(resource="topic", name=topic, operations=("Read", "Write")) for topic in letters]
        rights += [Right(resource="group", name=name, operations=("Read",)) for name in (group, f"{group}.replay")]
    return rights


def _rights_of_operator() -> list[Right]:
    return [
        Right(resource="topic", name="*", operations=("Read",)),
        Right(resource="group", name="*", operations=("Describe",)),
        Right(resource="group", name="console-consumer-", pattern="prefix", operations=("Read",)),
    ]


def _rights_of_keda() -> list[Right]:
    """It measures the lag of groups."""
    return [
        Right(resource="topic", name="*", operations=("Describe",)),
        Right(resource="group", name="*", operations=("Describe",)),
    ]


def rights_of_subscriber(subscriber: Subscriber) -> list[Right]:
    if unknown := set(subscriber.reads) - set(TOPICS):
        raise LookupError(f"{subscriber.name}: {', '.join(sorted(unknown))} is not in the catalogue")
    if restricted := [topic for topic in subscriber.reads if TOPICS[topic].restricted]:
        raise LookupError(f"{subscriber.name}: {', '.join(restricted)} is restricted to the platform's own consumers")
    return [
        *(Right(resource="topic", name=topic, operations=("Read",)) for topic in subscriber.reads),
        *(Right(resource="topic", name=topic, operations=("Write",)) for topic in _answers(subscriber.reads)),
        Right(resource="group", name=f"{subscriber.name}-", pattern="prefix", operations=("Read",)),
    ]
