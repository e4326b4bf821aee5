-- Codes of an authenticator app (RFC 6238). An enrolment counts once a code has confirmed it.
CREATE TABLE totp (
    account_id    bigint PRIMARY KEY REFERENCES accounts ON DELETE CASCADE,
    sealed_secret bytea NOT NULL,             -- AES-256-GCM under PHOTOMESH_KEY_ENCRYPTION_SECRET, bound to the account
    created_at    timestamptz NOT NULL,
    confirmed_at  timestamptz,
    last_step     bigint NOT NULL DEFAULT 0   -- of the last code that was accepted: none is accepted twice
);
-- Unused recovery codes; a used one is deleted.
CREATE TABLE recovery_codes (
    account_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
    code_hash  bytea NOT NULL,                -- SHA-256 of account and code, which has 79 random bits
    PRIMARY KEY (account_id, code_hash)
);
-- Log-ins whose password was right, and which wait for the second factor.
CREATE TABLE login_tickets (
    ticket_hash bytea PRIMARY KEY,            -- SHA-256
    account_id  bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
    expires_at  timestamptz NOT NULL
);
CREATE INDEX login_tickets_account ON login_tickets (account_id);
CREATE INDEX login_tickets_expires ON login_tickets (expires_at);
