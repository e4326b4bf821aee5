"""What people agree to: each decision is kept as it was made, and the last one of a purpose holds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

__all__ = ["Consent", "Purpose"]


class Purpose(StrEnum):
    """What one can agree to."""

    TERMS = "terms"
    PRIVACY = "privacy"
    RECOMMENDATIONS = "recommendations"
    NEWS = "news"


@dataclass(frozen=True)
class Consent:
    """A decision. `version`: of the text that was shown; `given`: false if consent was withdrawn; `source`: where."""

    purpose: Purpose
    version: str
    given: bool
    source: str
    decided_at: datetime
