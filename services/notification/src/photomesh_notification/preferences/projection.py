"""Preferences ↔ the text in their row. Pure."""

from __future__ import annotations

import json
from datetime import time
from typing import Any

from photomesh_notification.preferences.domain import DEFAULT, Audience, KindPreference, Preferences, QuietHours

__all__ = ["decode_preferences", "encode_preferences"]


def encode_preferences(preferences: Preferences) -> str:
    kinds = {
        kind: {"listed": one.listed, "pushed": one.pushed, "audience": str(one.audience)}
        for kind, one in preferences.kinds.items()
        if one != DEFAULT
    }
    quiet = preferences.quiet_hours
    hours = {"start": _text(quiet.start), "end": _text(quiet.end), "time_zone": quiet.time_zone} if quiet else None
    return json.dumps({"kinds": kinds, "quiet_hours": hours}, separators=(",", ":"))


def decode_preferences(body: str | None) -> Preferences:
    """None: nothing was ever stored."""
    if body is None:
        return Preferences()
    stored: dict[str, Any] = json.loads(body)
    kinds = {
        kind: KindPreference(one["listed"], one["pushed"], Audience(one["audience"]))
        for kind, one in stored["kinds"].items()
    }
    hours = stored["quiet_hours"]
    quiet = (
        QuietHours(time.fromisoformat(hours["start"]), time.fromisoformat(hours["end"]), hours["time_zone"])
        if hours
        else None
    )
    return Preferences(kinds, quiet)


def _text(moment: time) -> str:
    return moment.isoformat("minutes")
