-- How often the photo of a completed upload was announced as no longer to be kept unless a post uses it: after a week if
-- it cannot be posted, after a month in any case.
ALTER TABLE uploads ADD COLUMN announced smallint NOT NULL DEFAULT 0;

CREATE INDEX uploads_to_announce ON uploads (announced, closed_at) WHERE status = 'completed' AND announced < 2;

-- Which process sweeps, and until when: a connection of the pool is not held for it.
CREATE TABLE sweeps (
    name         text PRIMARY KEY,
    token        text NOT NULL,
    leased_until timestamptz NOT NULL
);
