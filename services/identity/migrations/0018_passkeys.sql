-- Passkeys (WebAuthn credentials): each is a log-in by itself, since the authenticator verifies its user.
CREATE TABLE passkeys (
    id            bigint PRIMARY KEY,
    account_id    bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
    credential_id bytea NOT NULL,             -- chosen by the authenticator
    public_key    bytea NOT NULL,             -- COSE
    sign_count    bigint NOT NULL,            -- of its last use; one that does not grow is a copy's
    name          text NOT NULL,              -- by its owner
    backed_up     boolean NOT NULL,           -- whether it is synchronised, as the authenticator says
    created_at    timestamptz NOT NULL,
    used_at       timestamptz
);
CREATE UNIQUE INDEX passkeys_credential ON passkeys (credential_id);
CREATE INDEX passkeys_account ON passkeys (account_id);
-- Challenges are signed and carry their end, so only those that were used have a row, until their end.
CREATE TABLE used_challenges (
    challenge_hash bytea PRIMARY KEY,
    expires_at     timestamptz NOT NULL
);
CREATE INDEX used_challenges_expires ON used_challenges (expires_at);
