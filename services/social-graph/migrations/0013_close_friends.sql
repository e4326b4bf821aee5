-- Lists of close friends: followers whom an account chose. The row stays when the friend is taken off, for its version.
-- Apart from `pairs`, whose versions others see.
CREATE TABLE close_friends (
    owner_id  bigint NOT NULL,
    friend_id bigint NOT NULL,
    version   bigint NOT NULL,     -- entityversion of the events
    since     timestamptz,         -- null: is none any more
    PRIMARY KEY (owner_id, friend_id)
) PARTITION BY HASH (owner_id);

CREATE INDEX close_friends_since ON close_friends (owner_id, since, friend_id) WHERE since IS NOT NULL;
-- For the erasure of an account: also the lists that it is on must be found.
CREATE INDEX close_friends_friend ON close_friends (friend_id, owner_id);

DO $$
BEGIN
    FOR part IN 0..15 LOOP
        EXECUTE format(
            'CREATE TABLE %I PARTITION OF close_friends FOR VALUES WITH (MODULUS 16, REMAINDER %s)',
            'close_friends_' || part, part
        );
    END LOOP;
END $$;
