-- Accounts and their credentials. Credentials are a table of their own, so that nothing that reads a profile ever
-- holds a password hash.
CREATE TABLE accounts (
    id           bigint PRIMARY KEY,
    username     text NOT NULL,              -- lower case; unique
    email        text NOT NULL,              -- as its owner wrote it, normalised
    email_key    text NOT NULL,              -- case folded; unique
    display_name text NOT NULL,
    bio          text NOT NULL DEFAULT '',
    private      boolean NOT NULL DEFAULT false,
    avatar       jsonb,                      -- size in pixels → key in the variants bucket
    version      bigint NOT NULL,            -- counts the changes; entityversion of the events
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL
);
CREATE UNIQUE INDEX accounts_username ON accounts (username);
CREATE UNIQUE INDEX accounts_email ON accounts (email_key);

CREATE TABLE credentials (
    account_id    bigint PRIMARY KEY REFERENCES accounts ON DELETE CASCADE,
    password_hash text NOT NULL              -- Argon2id in PHC format, with its parameters
);
