-- `active`, `deactivated` or `leaving`. What is not active does not exist for anybody but its owner.
ALTER TABLE accounts ADD COLUMN status text NOT NULL DEFAULT 'active';

-- Accounts that leave: first scheduled, then being erased by every consumer group, then erased. The account's row is gone
-- by then, so nothing here refers to it. A row is deleted when its owner comes back in time, or a year after the erasure.
CREATE TABLE erasures (
    request_id   bigint PRIMARY KEY,
    account_id   bigint NOT NULL UNIQUE,
    token_hash   bytea NOT NULL,         -- SHA-256 of the token by which its owner reads the row
    asked_at     timestamptz NOT NULL,
    due_at       timestamptz NOT NULL,
    started_at   timestamptz,
    version      bigint,                 -- entityversion of the request
    repeated_at  timestamptz,            -- when the request was published last
    groups       text[],                 -- consumer groups that must acknowledge
    completed_at timestamptz,
    receipt      text                    -- JWS, once complete
);
CREATE INDEX erasures_open ON erasures (due_at) WHERE completed_at IS NULL;

CREATE TABLE erasure_acknowledgements (
    request_id bigint NOT NULL REFERENCES erasures ON DELETE CASCADE,
    group_name text NOT NULL,
    counts     jsonb NOT NULL,
    keeps      jsonb NOT NULL,
    done_at    timestamptz NOT NULL,
    PRIMARY KEY (request_id, group_name)
);

-- Consumer groups of others, which must acknowledge erasures too.
CREATE TABLE erasure_subscribers (
    group_name    text PRIMARY KEY,
    registered_at timestamptz NOT NULL
);

-- Public keys that signed receipts: they outlive the signing keys, so that a receipt can be verified for ever.
CREATE TABLE receipt_keys (
    kid        text PRIMARY KEY,
    public_jwk jsonb NOT NULL
);
