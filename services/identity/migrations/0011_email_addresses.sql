-- An address belongs to whoever has proved it by mail. Any number of accounts may state one that nobody has proved.
ALTER TABLE accounts ADD COLUMN email_verified_at timestamptz;
DROP INDEX accounts_email;
CREATE UNIQUE INDEX accounts_verified_email ON accounts (email_key) WHERE email_verified_at IS NOT NULL;
CREATE INDEX accounts_email ON accounts (email_key, id);

-- What an account has asked to have proved: its own address, or the one that shall take its place.
CREATE TABLE email_claims (
    account_id bigint PRIMARY KEY REFERENCES accounts ON DELETE CASCADE,
    email      text NOT NULL,
    token_hash bytea NOT NULL UNIQUE,    -- SHA-256 of the token in the mail
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);

-- Requests for a new password, until one replica has looked whether there is such an account: what the request does is
-- the same for every login.
CREATE TABLE password_reset_requests (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    login        text NOT NULL,
    requested_at timestamptz NOT NULL
);

CREATE TABLE password_resets (
    token_hash bytea PRIMARY KEY,        -- SHA-256 of the token in the mail
    account_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
    email      text NOT NULL,            -- where the mail went: who redeems the token has proved it
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX password_resets_account ON password_resets (account_id);
