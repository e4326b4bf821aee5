"""The HPA's algorithm for external metrics of type AverageValue, one decision every 15 seconds.

Source: pkg/controller/podautoscaler of Kubernetes (`replica_calculator.go`, `horizontal.go`).
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field

__all__ = ["SYNC_SECONDS", "Autoscaler", "Behaviour"]

SYNC_SECONDS = 15
_TOLERANCE = 0.1


@dataclass(frozen=True, kw_only=True)
class Behaviour:
    minimum: int
    maximum: int
    up_percent: int
    up_pods: int
    """Within 15 seconds, the larger of the two."""
    down_percent: int
    down_period: int
    """Seconds in which at most `down_percent` of the pods go."""
    stabilization: int
    """Seconds of recommendations of which a decrease takes the highest."""


@dataclass
class Autoscaler:
    behaviour: Behaviour
    replicas: int
    _recommended: deque[tuple[float, int]] = field(default_factory=deque)
    _increases: deque[tuple[float, int]] = field(default_factory=deque)
    _decreases: deque[tuple[float, int]] = field(default_factory=deque)

    def decide(self, now: float, wanted: float) -> int:
        """Return the replicas after one decision. `wanted` is the metric over its target, in pods."""
        behaviour, current = self.behaviour, self.replicas
        within = abs(wanted / current - 1) <= _TOLERANCE
        desired = current if within else math.ceil(wanted - 1e-9)
        desired = min(max(desired, behaviour.minimum), behaviour.maximum)
        self._recommended.append((now, desired))
        while self._recommended[0][0] < now - behaviour.stabilization:
            self._recommended.popleft()
        if desired > current:
            base = current - sum(pods for at, pods in self._increases if at > now - 15)
            limit = max(base + behaviour.up_pods, math.ceil(base * (1 + behaviour.up_percent / 100)))
            self.replicas = max(current, min(desired, limit))
            self._increases.append((now, self.replicas - current))
        elif desired < current:
            base = current + sum(pods for at, pods in self._decreases if at > now - behaviour.down_period)
            limit = math.floor(base * (1 - behaviour.down_percent / 100))
            self.replicas = min(current, max(limit, *(pods for _, pods in self._recommended), behaviour.minimum))
            self._decreases.append((now, current - self.replicas))
        return self.replicas
