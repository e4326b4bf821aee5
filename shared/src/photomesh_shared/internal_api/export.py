"""The operation by which the services that own data give an account's records to its export, page by page.

Each serves it for its own sections, which are declared here once. It reads by ownership, never by visibility: what is
hidden from everybody else is in its owner's export too. Items are JSON objects with ids in wire form and times in
RFC 3339, and contain neither secrets nor hashes of secrets.

To add a section, declare it in `SECTIONS`, and serve it in the service that owns the data.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Literal, TypeVar

from pydantic import Field, JsonValue

from photomesh_shared import ids
from photomesh_shared.errors import InvalidCursor, NotFound
from photomesh_shared.internal_api.operation import InternalModel, Operation

__all__ = [
    "GET_EXPORT_PAGE",
    "MAX_ITEMS",
    "SECTIONS",
    "ExportPage",
    "ExportQuery",
    "Owner",
    "Section",
    "int_cursor",
    "item_of",
    "require_section",
    "sections_of",
]

T = TypeVar("T")

MAX_ITEMS = 500
"""Maximum number of items per page."""

Owner = Literal["identity", "social-graph", "upload", "post", "feed", "notification", "webhook", "story", "explore"]


@dataclass(frozen=True)
class Section:
    """One kind of records. `name` is also that of its file in the export."""

    name: str
    service: Owner
    title: str
    description: str


SECTIONS = (
    Section("profile", "identity", "Profile", "The account as it is now: names, e-mail address, bio, settings."),
    Section("sessions", "identity", "Sessions", "Log-ins, with when they began and ended."),
    Section("credentials", "identity", "Credentials", "How the account logs in. Never the secrets themselves."),
    Section("second_factor", "identity", "Second factor", "The authenticator app, if there is one: never its secret."),
    Section("passkeys", "identity", "Passkeys", "Passkeys that log in to the account."),
    Section(
        "personal_tokens", "identity", "Personal access tokens", "Tokens of scripts, without the tokens themselves."
    ),
    Section("staff_roles", "identity", "Roles of staff", "What the account may do as staff of the platform."),
    Section("staff_actions", "identity", "Actions of staff", "What staff did to the account, when and why."),
    Section("consents", "identity", "Consents", "What you agreed to, and withdrew: every decision."),
    Section("following", "social-graph", "Following", "Accounts that you follow."),
    Section("followers", "social-graph", "Followers", "Accounts that follow you."),
    Section("follow_requests", "social-graph", "Follow requests", "Requests that wait, sent and received."),
    Section("blocks", "social-graph", "Blocks", "Accounts that you block."),
    Section("mutes", "social-graph", "Mutes", "Accounts that you mute."),
    Section("close_friends", "social-graph", "Close friends", "Accounts that you chose as close friends."),
    Section("former_follows", "social-graph", "Former follows", "Accounts that you followed, and when."),
    Section("uploads", "upload", "Uploads", "Uploads, from their beginning until a month after their end."),
    Section("originals", "upload", "Originals", "The photos as you uploaded them; the files are in `originals`."),
    Section("upload_usage", "upload", "Upload quota", "What you uploaded on the latest day on which you did."),
    Section("photos", "post", "Photos", "Photos with their state and what is known of the file."),
    Section("posts", "post", "Posts", "Posts, with those that are being processed or failed."),
    Section("comments", "post", "Comments", "Comments that you wrote."),
    Section("likes", "post", "Likes", "Posts and comments that you like."),
    Section("saves", "post", "Saved posts", "Posts that you saved."),
    Section("collections", "post", "Collections", "Your collections of saved posts."),
    Section("collection_posts", "post", "Posts in collections", "What is in each of your collections."),
    Section("ranking", "feed", "Ranking", "What the ranking of your feed holds about you."),
    Section("impressions", "feed", "Impressions", "Posts that your apps reported as seen, of the last weeks."),
    Section("served", "feed", "Served posts", "Posts that your ranked feed showed, of the last weeks, and why so."),
    Section("notifications", "notification", "Notifications", "What you were told of, of the last 90 days."),
    Section(
        "notification_settings",
        "notification",
        "Notification settings",
        "What you want to hear of, quiet hours, muted posts, devices, and until when you have seen your notifications.",
    ),
    Section(
        "explore_feedback",
        "explore",
        "Feedback on explore",
        "What you want to see more, less or not at all of in explore.",
    ),
    Section(
        "stories",
        "story",
        "Stories",
        "Your stories of the last days, what you replied to those of others, and until when you saw whose stories.",
    ),
    Section("story_archive", "story", "Archived stories", "Your stories that are over, and your highlights of them."),
    Section("webhooks", "webhook", "Webhooks", "Addresses that events are sent to. Never their secrets."),
    Section("webhook_deliveries", "webhook", "Deliveries of webhooks", "What was sent there, of the last 30 days."),
)
"""All sections, in the order in which they are exported."""


def sections_of(service: str) -> frozenset[str]:
    """Return the names of the sections that a service serves."""
    return frozenset(section.name for section in SECTIONS if section.service == service)


class ExportQuery(InternalModel):
    section: str = Field(max_length=50)
    cursor: str | None = Field(None, max_length=500, description="`next_cursor` of the previous page.")
    limit: int = Field(MAX_ITEMS, ge=1, le=MAX_ITEMS)


class ExportPage(InternalModel):
    """A page may be empty though more follow, where the records are found by searching."""

    section: str
    items: list[dict[str, JsonValue]]
    next_cursor: str | None = Field(None, description="Null on the last page.")


GET_EXPORT_PAGE = Operation(
    "GET",
    "/internal/export/{account_id}",
    ExportPage,
    query=ExportQuery,
    callers=frozenset({"export-worker"}),
)
"""Returns records of an account. Without any, and for an unknown account, the page is empty. 404 for a section that the
service does not have; 400 for a cursor that it did not give out."""


def require_section(sections: Mapping[str, T], name: str) -> T:
    """Return what serves a section. Raises NotFound."""
    try:
        return sections[name]
    except KeyError as error:
        raise NotFound(f"There is no section {name}.") from error


def int_cursor(cursor: str) -> int:
    """Parse a cursor that is an integer. Raises InvalidCursor."""
    if not cursor.isascii() or not cursor.isdecimal() or int(cursor) > ids.MAX_ID:
        raise InvalidCursor
    return int(cursor)


def item_of(record: Mapping[str, Any], prefixes: Mapping[str, str]) -> dict[str, JsonValue]:
    """Return a record as an item: `prefixes` are those of its members that are ids, or lists of ids."""
    return {name: _json_value(value, prefixes.get(name)) for name, value in record.items()}


def _json_value(value: Any, prefix: str | None) -> JsonValue:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return [_json_value(one, prefix) for one in value]
    if isinstance(value, int) and prefix:
        return ids.encode(prefix, value)
    if isinstance(value, bytes):
        return None  # hashes and seals: nothing for people
    if value is None or isinstance(value, str | int | float | dict):
        result: JsonValue = value
        return result
    return str(value)
