"""Prometheus metrics of identity."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

__all__ = [
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
    "STATUS_CHANGES",
]

REGISTRATIONS = Counter("photomesh_identity_registrations_total", "Accounts registered.")
LOGINS = Counter("photomesh_identity_logins_total", "Log-ins by outcome: ok, wrong.", ["outcome"])
REFRESHES = Counter(
    "photomesh_identity_refreshes_total", "Refreshes by outcome: rotate, repeat, reused, over, unknown.", ["outcome"]
)
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
