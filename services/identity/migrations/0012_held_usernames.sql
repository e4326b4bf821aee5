-- Names that an account has given up, and that nobody else may take for a while. Keyed hashes, so that the table does not
-- tell what somebody was called.
CREATE TABLE held_usernames (
    name_hash  bytea PRIMARY KEY,        -- HMAC-SHA-256 under PHOTOMESH_HASH_SECRET
    account_id bigint NOT NULL,          -- who may take it back; no reference: an erased account's name is held too
    until      timestamptz NOT NULL
);
CREATE INDEX held_usernames_account ON held_usernames (account_id);
CREATE INDEX held_usernames_until ON held_usernames (until);
