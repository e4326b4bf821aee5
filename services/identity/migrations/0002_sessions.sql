-- A session is one log-in and the family of its refresh tokens. Its row is the family's lock: whoever changes
-- anything about the family holds it.
CREATE TABLE sessions (
    id         bigint PRIMARY KEY,
    account_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,         -- unless it is used before; moves with each use
    ends_at    timestamptz NOT NULL,         -- however much it is used
    revoked_at timestamptz
);
CREATE INDEX sessions_account ON sessions (account_id);

CREATE TABLE refresh_tokens (
    token_hash     bytea PRIMARY KEY,        -- SHA-256; the token itself is nowhere
    session_id     bigint NOT NULL REFERENCES sessions ON DELETE CASCADE,
    created_at     timestamptz NOT NULL,
    rotated_at     timestamptz,
    successor_salt bytea                     -- with the token gives its successor; erased when that is used
);
CREATE INDEX refresh_tokens_session ON refresh_tokens (session_id);
