"""Prometheus metrics of identity."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

__all__ = [
    "ATTEMPTS_REFUSED",
    "EMAILS_VERIFIED",
    "ERASURES",
    "LOGINS",
    "MAILS",
    "MAIL_OLDEST",
    "MAIL_WAITING",
    "OLDEST_ERASURE",
    "PASSWORDS_WAITING",
    "PASSWORD_CHANGES",
    "PASSWORD_RESETS",
    "PASSWORD_SECONDS",
    "PRIVACY_WRITES",
    "PROFILE_EDITS",
    "REFRESHES",
    "REGISTRATIONS",
    "SECOND_FACTORS",
    "STAFF_ACTIONS",
    "STATUS_CHANGES",
    "TOKEN_EXCHANGES",
]

REGISTRATIONS = Counter("photomesh_identity_registrations_total", "Accounts registered.")
LOGINS = Counter(
    "photomesh_identity_logins_total",
    "Log-ins by password by outcome: ok, wrong, second_factor (a code is needed).",
    ["outcome"],
)
for _outcome in ("ok", "wrong", "second_factor"):
    LOGINS.labels(_outcome)
REFRESHES = Counter(
    "photomesh_identity_refreshes_total",
    "Refreshes by outcome: rotate, repeat, reused, over, unknown, limited.",
    ["outcome"],
)
REFRESHES.labels("reused")
TOKEN_EXCHANGES = Counter(
    "photomesh_identity_token_exchanges_total",
    "Personal access tokens that the gateway asked about, by outcome: ok, unknown.",
    ["outcome"],
)
SECOND_FACTORS = Counter(
    "photomesh_identity_second_factors_total",
    "Codes and passkeys by kind (totp, recovery_code, passkey) and outcome: ok, wrong.",
    ["kind", "outcome"],
)
for _kind in ("totp", "recovery_code", "passkey"):
    for _outcome in ("ok", "wrong"):
        SECOND_FACTORS.labels(_kind, _outcome)
ATTEMPTS_REFUSED = Counter(
    "photomesh_identity_attempts_refused_total",
    "Log-ins and codes refused because too many had failed, by kind (login, second-factor)"
    " and by what they were counted: account, address.",
    ["kind", "counted_by"],
)
for _kind, _counted_by in (
    ("login", "account"),
    ("login", "address"),
    ("second-factor", "account"),
):
    ATTEMPTS_REFUSED.labels(_kind, _counted_by)
PROFILE_EDITS = Counter("photomesh_identity_profile_edits_total", "Profile changes.")
PRIVACY_WRITES = Counter(
    "photomesh_identity_privacy_writes_total",
    "Accounts that went private, written through to social-graph and post, by outcome: ok, failed.",
    ["outcome"],
)
for _outcome in ("ok", "failed"):
    PRIVACY_WRITES.labels(_outcome)
PASSWORD_CHANGES = Counter("photomesh_identity_password_changes_total", "Passwords changed by who knew the old one.")
PASSWORD_RESETS = Counter(
    "photomesh_identity_password_resets_total",
    "Steps of new passwords by mail: asked, redeemed, not_valid (an unknown or old token).",
    ["step"],
)
for _step in ("asked", "redeemed", "not_valid"):
    PASSWORD_RESETS.labels(_step)
EMAILS_VERIFIED = Counter("photomesh_identity_emails_verified_total", "E-mail addresses proved by a mail.")
MAILS = Counter(
    "photomesh_identity_mails_total",
    "Mails by outcome: sent, failed (and tried again), refused, expired (given up).",
    ["outcome"],
)
for _outcome in ("sent", "failed", "refused", "expired"):
    MAILS.labels(_outcome)
MAIL_WAITING = Gauge("photomesh_identity_mails_waiting", "Mails in the queue.")
MAIL_OLDEST = Gauge("photomesh_identity_mail_oldest_seconds", "Age of the oldest mail in the queue.")
PASSWORDS_WAITING = Gauge("photomesh_identity_passwords_waiting", "Passwords being hashed, or waiting to be.")
PASSWORD_SECONDS = Histogram(
    "photomesh_identity_password_seconds",
    "Duration of hashing or verifying a password, without waiting.",
    ["operation"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 1, 2),
)

STATUS_CHANGES = Counter(
    "photomesh_identity_status_changes_total", "Accounts that became deactivated, leaving or active again.", ["status"]
)
for _status in ("deactivated", "leaving", "active"):
    STATUS_CHANGES.labels(_status)
ERASURES = Gauge("photomesh_identity_erasures", "Erasures by state: scheduled, running, complete.", ["state"])
OLDEST_ERASURE = Gauge(
    "photomesh_identity_erasure_oldest_seconds",
    "Time since the oldest erasure started that some consumer group has not acknowledged.",
)

STAFF_ACTIONS = Counter("photomesh_identity_staff_actions_total", "Entries of the audit log of staff.", ["action"])
for _action in (
    "role_granted",
    "role_revoked",
    "account_looked_up",
    "sessions_ended",
    "staff_listed",
    "audit_log_read",
    "webhook_created",
    "webhook_changed",
):
    STAFF_ACTIONS.labels(_action)
