"""A consumer group: records, partitions, pods that start late, and a pause at each rebalance."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

__all__ = ["STEP", "Group", "Sample"]

STEP = 0.5
"""Seconds of one step of the simulation."""


@dataclass(frozen=True)
class Sample:
    """What a scrape at this moment would see, by partition."""

    ends: tuple[int, ...]
    lags: tuple[int, ...]


@dataclass
class Group:
    rate: float
    """Records that a pod handles in a second."""
    partitions: int
    pods: int
    one_key: bool = False
    """All records go to one partition."""
    start_seconds: float = 6
    """From the decision until a new pod is ready and joins."""
    pause_seconds: float = 3
    """For which nobody in the group works when its members change."""
    waits: list[float] = field(default_factory=list)
    """Seconds from a record's arrival until it was handled."""

    def __post_init__(self) -> None:
        self._queues: list[deque[float]] = [deque() for _ in range(self.partitions)]
        self._ends = [0] * self.partitions
        self._random = np.random.default_rng(1)
        self._credit: dict[int, float] = {}
        self._paused_until = 0.0
        self._joining: tuple[int, float] | None = None
        self.history: list[Sample] = []

    def step(self, now: float, arrivals: float, replicas: int) -> None:
        """Let records arrive at `arrivals` a second, pods come and go, and pods work, for one step."""
        self._receive(now, arrivals)
        self._change(now, replicas)
        if now >= self._paused_until:
            for pod in range(self.pods):
                self._work(now, pod)
        self.history.append(Sample(tuple(self._ends), tuple(len(queue) for queue in self._queues)))

    @property
    def oldest_since(self) -> float | None:
        """When the oldest record arrived that is not yet handled."""
        return min((queue[0] for queue in self._queues if queue), default=None)

    def _receive(self, now: float, arrivals: float) -> None:
        for _ in range(self._random.poisson(arrivals * STEP)):
            partition = 0 if self.one_key else int(self._random.integers(self.partitions))
            self._queues[partition].append(now)
            self._ends[partition] += 1

    def _change(self, now: float, replicas: int) -> None:
        if replicas < self.pods:
            self._rebalance(now, replicas)
        elif replicas > self.pods:
            if self._joining is None or self._joining[0] != replicas:
                self._joining = replicas, now + self.start_seconds
            if now >= self._joining[1]:
                self._rebalance(now, replicas)

    def _rebalance(self, now: float, pods: int) -> None:
        self.pods, self._joining = pods, None
        self._paused_until = now + self.pause_seconds

    def _work(self, now: float, pod: int) -> None:
        credit = min(self._credit.get(pod, 0) + self.rate * STEP, max(1.0, self.rate))
        busy = self._assigned(pod)
        while credit >= 1 and busy:
            for queue in list(busy):
                if credit < 1:
                    break
                self.waits.append(now - queue.popleft())
                credit -= 1
                if not queue:
                    busy.remove(queue)
        self._credit[pod] = credit if busy else 0

    def _assigned(self, pod: int) -> list[deque[float]]:
        queues: Sequence[deque[float]] = self._queues[pod :: self.pods]
        return [queue for queue in queues if queue]
