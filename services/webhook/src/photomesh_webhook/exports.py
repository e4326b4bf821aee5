"""What webhook holds of an account, for its export."""

from __future__ import annotations

from photomesh_shared.stores.record_pages import RecordQuery

__all__ = ["RECORDS"]

RECORDS = {
    "webhooks": RecordQuery(
        "SELECT id, account_id, audience, url, types, ordering, description, state, disabled_reason, created_at,"
        " updated_at, failing_since, id AS position FROM endpoints WHERE account_id = $1 AND id > $2"
        " ORDER BY id LIMIT $3",
        ids={"id": "wh", "account_id": "u"},
    ),
    "webhook_deliveries": RecordQuery(
        "SELECT d.id, d.endpoint_id, d.event_id, d.type, d.subject, d.event_time, d.state, d.attempts, d.created_at,"
        " d.finished_at, d.last_status, d.last_answer, d.last_error, d.id AS position FROM deliveries d"
        " WHERE d.endpoint_id IN (SELECT id FROM endpoints WHERE account_id = $1) AND d.id > $2"
        " ORDER BY d.id LIMIT $3",
        ids={"id": "whd", "endpoint_id": "wh"},
    ),
}
