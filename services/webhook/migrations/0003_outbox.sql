-- The outbox: events that were committed with the state they speak of, on their way to Kafka.
-- Every service that has one keeps this file in its migrations as it is (a test compares them); photomesh_shared.outbox
-- is the only code that touches the table.
CREATE TABLE outbox (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    shard        smallint NOT NULL,
    topic        text NOT NULL,
    key          bytea NOT NULL,
    headers      jsonb NOT NULL,
    payload      bytea NOT NULL,
    event_id     text NOT NULL,
    type         text NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    published_at timestamptz
);

-- What the relay asks all the time stays small, whatever the table holds.
CREATE INDEX outbox_unpublished ON outbox (shard, id) WHERE published_at IS NULL;
CREATE INDEX outbox_published ON outbox (published_at) WHERE published_at IS NOT NULL;
