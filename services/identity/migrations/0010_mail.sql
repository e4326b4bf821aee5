-- Mails on their way to the mail server, committed with the change that they speak of. A row is deleted when its mail
-- was sent, was refused for good, or has become too old to be of use: it may hold a token.
CREATE TABLE mail_queue (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    message_id   uuid NOT NULL DEFAULT gen_random_uuid(), -- the same at every attempt, so that a repeat can be recognised
    account_id   bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
    address      text NOT NULL,
    template     text NOT NULL,
    parameters   jsonb NOT NULL,
    queued_at    timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL,
    attempts     integer NOT NULL DEFAULT 0,
    next_attempt timestamptz NOT NULL          -- while an attempt is made, the end of its lease
);
CREATE INDEX mail_queue_next ON mail_queue (next_attempt);
CREATE INDEX mail_queue_account ON mail_queue (account_id);

-- How often something was tried by, or for, one account or address within a period: wrong passwords, mails.
CREATE TABLE allowances (
    kind       text NOT NULL,
    subject    bytea NOT NULL,           -- an account's id, or a keyed hash of an address
    taken      integer NOT NULL,
    expires_at timestamptz NOT NULL,     -- from then on none is taken
    PRIMARY KEY (kind, subject)
);
CREATE INDEX allowances_expired ON allowances (expires_at);
