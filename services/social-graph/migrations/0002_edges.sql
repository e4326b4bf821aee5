-- Edges between two accounts, each kept at both ends, so that every question is about one account and touches one
-- partition. The column that partitions a table is in every key of it and no key refers to another table, so Citus can
-- distribute them as they stand, colocated: `accounts` by its id, the others as they are partitioned here.

-- What the first of a pair does to the second. The row stays when nothing is left of it, for its version.
CREATE TABLE pairs (
    actor_id       bigint NOT NULL,
    target_id      bigint NOT NULL,
    version        bigint NOT NULL,     -- counts the changes; entityversion of the events
    requested_at   timestamptz,         -- asks to follow since
    blocked_at     timestamptz,
    muted_at       timestamptz,
    followed_from  timestamptz,         -- the last follow that has ended
    followed_until timestamptz,
    PRIMARY KEY (actor_id, target_id)
) PARTITION BY HASH (actor_id);

CREATE INDEX pairs_requested ON pairs (actor_id) WHERE requested_at IS NOT NULL;
CREATE INDEX pairs_blocked ON pairs (actor_id, blocked_at, target_id) WHERE blocked_at IS NOT NULL;
CREATE INDEX pairs_muted ON pairs (actor_id, muted_at, target_id) WHERE muted_at IS NOT NULL;
CREATE INDEX pairs_unfollowed ON pairs (actor_id, followed_until) WHERE followed_until IS NOT NULL;

CREATE TABLE follows_out (
    follower_id bigint NOT NULL,
    followee_id bigint NOT NULL,
    since       timestamptz NOT NULL,
    PRIMARY KEY (follower_id, followee_id)
) PARTITION BY HASH (follower_id);

CREATE INDEX follows_out_since ON follows_out (follower_id, since, followee_id);

CREATE TABLE follows_in (
    followee_id bigint NOT NULL,
    follower_id bigint NOT NULL,
    since       timestamptz NOT NULL,
    PRIMARY KEY (followee_id, follower_id)
) PARTITION BY HASH (followee_id);

CREATE INDEX follows_in_since ON follows_in (followee_id, since, follower_id);

CREATE TABLE requests_in (
    target_id    bigint NOT NULL,
    requester_id bigint NOT NULL,
    since        timestamptz NOT NULL,
    PRIMARY KEY (target_id, requester_id)
) PARTITION BY HASH (target_id);

CREATE INDEX requests_in_since ON requests_in (target_id, since, requester_id);

CREATE TABLE blocks_in (
    blocked_id bigint NOT NULL,
    blocker_id bigint NOT NULL,
    since      timestamptz NOT NULL,
    PRIMARY KEY (blocked_id, blocker_id)
) PARTITION BY HASH (blocked_id);

-- Sixteen partitions of each; a partitioned index makes its own.
DO $$
DECLARE
    parent text;
BEGIN
    FOREACH parent IN ARRAY ARRAY['pairs', 'follows_out', 'follows_in', 'requests_in', 'blocks_in'] LOOP
        FOR part IN 0..15 LOOP
            EXECUTE format(
                'CREATE TABLE %I PARTITION OF %I FOR VALUES WITH (MODULUS 16, REMAINDER %s)',
                parent || '_' || part, parent, part
            );
        END LOOP;
    END LOOP;
END $$;
