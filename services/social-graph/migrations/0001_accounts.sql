-- What is known of accounts from their events, and how many follow each and are followed. The row is also the lock on
-- everything about the account: whoever changes anything between two accounts holds both rows, the one with the
-- smaller id first.
CREATE TABLE accounts (
    id           bigint PRIMARY KEY,
    username     text NOT NULL,
    display_name text NOT NULL,
    avatar_url   text,
    private      boolean NOT NULL,
    version      bigint NOT NULL,               -- of the newest event seen
    followers    integer NOT NULL DEFAULT 0,    -- rows of follows_in
    following    integer NOT NULL DEFAULT 0     -- rows of follows_out
) WITH (fillfactor = 80);

CREATE INDEX accounts_popular ON accounts (followers) WHERE followers >= 1000;
