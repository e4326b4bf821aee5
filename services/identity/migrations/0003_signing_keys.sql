-- Keys that sign access tokens. Which one signs and which are published follows from `active_from`.
CREATE TABLE signing_keys (
    kid            text PRIMARY KEY,
    public_jwk     jsonb NOT NULL,
    sealed_private bytea NOT NULL,           -- AES-256-GCM under PHOTOMESH_KEY_ENCRYPTION_SECRET, bound to the kid
    created_at     timestamptz NOT NULL,
    active_from    timestamptz NOT NULL
);
