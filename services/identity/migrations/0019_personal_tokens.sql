-- Personal access tokens, for scripts. The gateway exchanges them for access tokens that are good for minutes.
CREATE TABLE personal_tokens (
    id         bigint PRIMARY KEY,
    account_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
    token_hash bytea NOT NULL,               -- SHA-256; the token itself is nowhere
    name       text NOT NULL,                -- by its owner
    scopes     text[] NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at    timestamptz                   -- to the hour
);
CREATE UNIQUE INDEX personal_tokens_hash ON personal_tokens (token_hash);
CREATE INDEX personal_tokens_account ON personal_tokens (account_id);
