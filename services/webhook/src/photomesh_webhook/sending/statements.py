"""SQL of sending."""
# ruff: noqa: S608 - all text is our own

from __future__ import annotations

from typing import Final

from photomesh_webhook.endpoints.store import ENDPOINT

__all__ = [
    "CHANGE_ROWS",
    "CLAIM",
    "DELETE_SECRETS",
    "DISABLE",
    "DUE_HEADS",
    "DUE_ROWS",
    "EXPEDITE",
    "NEXT_HEAD",
    "NEXT_ROW",
    "NEXT_TEST",
    "OLDEST_DUE",
    "OPEN_CIRCUITS",
    "RELEASE",
    "RENEW",
    "SAVE_HEALTH",
    "SWEEP",
    "TARGET",
    "TARGET_FOR_CHANGE",
    "TOUCH",
    "WITHHOLD",
]

CLAIM: Final = (
    "UPDATE endpoints SET lease_holder = $1, lease_until = $2 WHERE id IN ("
    "  SELECT id FROM endpoints WHERE due_at <= $3 AND (lease_until IS NULL OR lease_until <= $3)"
    "  ORDER BY due_at LIMIT $4 FOR NO KEY UPDATE SKIP LOCKED"
    ") RETURNING id"
)
RENEW: Final = "UPDATE endpoints SET lease_until = $3 WHERE id = $1 AND lease_holder = $2"
OLDEST_DUE: Final = (
    "SELECT min(due_at) FROM endpoints WHERE due_at <= $1 AND (lease_until IS NULL OR lease_until <= $1)"
)
OPEN_CIRCUITS: Final = "SELECT count(*) FROM endpoints WHERE state = 'enabled' AND failures >= $1"

_TARGET: Final = (
    "id, account_id, audience, url, types, ordering, state, behind, round, version, failures, attempts_failed,"
    " failing_since, next_probe_at, warned_hours"
)
TARGET: Final = (
    f"SELECT {_TARGET}, ARRAY(SELECT s.sealed FROM secrets AS s WHERE s.endpoint_id = e.id"
    " AND (s.expires_at IS NULL OR s.expires_at > $2) ORDER BY s.id DESC) AS secrets"
    " FROM endpoints AS e WHERE e.id = $1"
)
"""With the secrets that are live, newest first."""
TARGET_FOR_CHANGE: Final = f"SELECT {_TARGET} FROM endpoints WHERE id = $1 FOR NO KEY UPDATE"

_ROW: Final = "id, event_id, type, source, subject, event_time, entityversion, body, attempts, topic IS NULL AS is_test"
DUE_HEADS: Final = (
    "WITH heads AS ("
    "  SELECT DISTINCT ON (subject) id, next_attempt_at, topic IS NULL AS is_test FROM deliveries"
    "  WHERE endpoint_id = $1 AND state = 'pending' AND (NOT $6 OR topic IS NULL) ORDER BY subject, id"
    f") SELECT {_ROW} FROM deliveries JOIN (SELECT id AS head, heads.next_attempt_at AS due_at FROM heads"
    "  WHERE next_attempt_at <= $2 OR ($5 AND NOT is_test)) AS due ON head = id"
    " WHERE subject <> ALL($3::text[]) ORDER BY is_test DESC, due_at, id LIMIT $4"
)
"""The first row of each lane. $3: lanes with a request in flight; $5: also those that wait for their next attempt, as
probes of an open circuit; $6: tests only."""
DUE_ROWS: Final = (
    f"SELECT {_ROW} FROM deliveries WHERE endpoint_id = $1 AND state = 'pending' AND (NOT $6 OR topic IS NULL)"
    " AND (next_attempt_at <= $2 OR ($5 AND topic IS NOT NULL)) AND id <> ALL($3::bigint[])"
    " ORDER BY topic IS NULL DESC, next_attempt_at, id LIMIT $4"
)

CHANGE_ROWS: Final = (
    "UPDATE deliveries AS d SET state = c.state, attempts = c.attempts, next_attempt_at = c.next_attempt_at,"
    " finished_at = CASE WHEN c.state = 'pending' THEN NULL ELSE c.at END,"
    " body = CASE WHEN c.state = 'pending' THEN d.body END,"
    " last_status = c.status, last_ms = c.ms, last_answer = c.answer, last_error = c.error"
    " FROM unnest($1::bigint[], $2::text[], $3::int[], $4::timestamptz[], $5::timestamptz[], $6::int[], $7::int[],"
    " $8::text[], $9::text[]) AS c (id, state, attempts, next_attempt_at, at, status, ms, answer, error)"
    " WHERE d.id = c.id AND d.state = 'pending'"
)
EXPEDITE: Final = (
    "UPDATE deliveries SET next_attempt_at = $2 WHERE endpoint_id = $1 AND state = 'pending' AND next_attempt_at > $2"
)
"""When an endpoint answers again: what waited because of it is due at once."""

SAVE_HEALTH: Final = (
    "UPDATE endpoints SET failures = $2, attempts_failed = $3, failing_since = $4, next_probe_at = $5,"
    " warned_hours = $6, behind = behind OR $7 WHERE id = $1"
)
DISABLE: Final = "UPDATE endpoints SET state = 'disabled', disabled_reason = $2, behind = true WHERE id = $1"
WITHHOLD: Final = (
    "UPDATE deliveries SET state = 'withheld', next_attempt_at = NULL, body = NULL, finished_at = $2"
    " WHERE endpoint_id = $1 AND state = 'pending' AND topic IS NOT NULL AND id <> ALL($3::bigint[])"
)
TOUCH: Final = f"UPDATE endpoints SET version = $2, updated_at = $3 WHERE id = $1 RETURNING {ENDPOINT}"

RELEASE: Final = (
    "UPDATE endpoints SET lease_holder = NULL, lease_until = NULL, due_at = $3 WHERE id = $1 AND lease_holder = $2"
)
NEXT_TEST: Final = (
    "SELECT min(next_attempt_at) FROM deliveries WHERE endpoint_id = $1 AND state = 'pending' AND topic IS NULL"
)
NEXT_HEAD: Final = (
    "SELECT min(next_attempt_at) FROM ("
    "  SELECT DISTINCT ON (subject) next_attempt_at, topic FROM deliveries"
    "  WHERE endpoint_id = $1 AND state = 'pending' ORDER BY subject, id"
    ") AS heads WHERE topic IS NOT NULL"
)
NEXT_ROW: Final = (
    "SELECT min(next_attempt_at) FROM deliveries WHERE endpoint_id = $1 AND state = 'pending' AND topic IS NOT NULL"
)

DELETE_SECRETS: Final = "DELETE FROM secrets WHERE expires_at <= $1"
SWEEP: Final = (
    "WITH gone AS ("
    "  DELETE FROM deliveries WHERE id IN (SELECT id FROM deliveries WHERE created_at < $1 ORDER BY created_at LIMIT $2"
    "   FOR UPDATE SKIP LOCKED) RETURNING endpoint_id, state, topic"
    "), gaps AS ("
    "  UPDATE endpoints SET gap = true WHERE NOT gap AND id IN"
    "  (SELECT endpoint_id FROM gone WHERE state = 'pending' AND topic IS NOT NULL)"
    ") SELECT count(*) FROM gone"
)
