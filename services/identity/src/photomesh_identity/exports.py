"""What identity holds of an account, for its export. Secrets, and what could help to guess them, are left out.

Rows of accounts and sessions are given whole, so that a new column is in the export unless it is hidden here: no secret
belongs into these two tables.
"""

from __future__ import annotations

from photomesh_shared.stores.record_pages import RecordQuery

__all__ = ["RECORDS"]

RECORDS = {
    "profile": RecordQuery(
        "SELECT id AS account_id, *, id AS position FROM accounts WHERE id = $1 AND id > $2 LIMIT $3",
        ids={"account_id": "u"},
        json=frozenset({"avatar"}),
        hidden=frozenset({"id", "email_key", "version"}),
    ),
    "sessions": RecordQuery(
        "SELECT s.id AS session_id, s.*, s.id AS position,"
        " (SELECT max(t.rotated_at) FROM refresh_tokens t WHERE t.session_id = s.id) AS last_refreshed_at"
        " FROM sessions s WHERE s.account_id = $1 AND s.id > $2 ORDER BY s.id LIMIT $3",
        ids={"session_id": "ss"},
        hidden=frozenset({"id", "account_id", "refresh_tat"}),
    ),
    "consents": RecordQuery(
        "SELECT account_id, purpose, version, given, source, decided_at, id AS position FROM consents"
        " WHERE account_id = $1 AND id > $2 ORDER BY id LIMIT $3",
        ids={"account_id": "u"},
    ),
    "second_factor": RecordQuery(
        "SELECT account_id, created_at, confirmed_at, to_timestamp(last_step * 30) AS last_code_at,"
        " account_id AS position FROM totp WHERE account_id = $1 AND account_id > $2 LIMIT $3",
        ids={"account_id": "u"},
    ),
    "passkeys": RecordQuery(
        "SELECT id AS passkey_id, account_id, name, backed_up, created_at, used_at, id AS position FROM passkeys"
        " WHERE account_id = $1 AND id > $2 ORDER BY id LIMIT $3",
        ids={"passkey_id": "pk", "account_id": "u"},
    ),
    "personal_tokens": RecordQuery(
        "SELECT id AS token_id, account_id, name, scopes, created_at, expires_at, used_at, id AS position"
        " FROM personal_tokens WHERE account_id = $1 AND id > $2 ORDER BY id LIMIT $3",
        ids={"token_id": "tk", "account_id": "u"},
    ),
    "staff_roles": RecordQuery(
        "SELECT * FROM (SELECT account_id, role, granted_at,"
        " array_position('{moderator,support,administrator}', role) AS position FROM staff_roles) AS roles"
        " WHERE account_id = $1 AND position > $2 ORDER BY position LIMIT $3",
        ids={"account_id": "u"},
    ),
    "staff_actions": RecordQuery(
        # By whom is left out: staff answer for it to the platform.
        "SELECT account_id, at, action, role, reason, id AS position FROM staff_audit_log"
        " WHERE account_id = $1 AND id > $2 ORDER BY id LIMIT $3",
        ids={"account_id": "u"},
    ),
    "credentials": RecordQuery(
        "SELECT 'password' AS kind, split_part(password_hash, '$', 2) AS algorithm, account_id AS position"
        " FROM credentials WHERE account_id = $1 AND account_id > $2 LIMIT $3"
    ),
}
