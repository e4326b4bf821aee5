-- What is to be sent to endpoints, and the log of what was. There is no foreign key: rows of an endpoint that was
-- deleted are many, and swept some at a time.
CREATE TABLE deliveries (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, -- in the order of the topic, in each lane
    endpoint_id     bigint NOT NULL,
    round           integer NOT NULL,           -- of the endpoint, when the row was made
    event_id        text NOT NULL,
    type            text NOT NULL,
    subject         text NOT NULL,
    source          text NOT NULL,
    event_time      timestamptz NOT NULL,
    entityversion   bigint NOT NULL,
    topic           text,                       -- NULL: a test, which is sent whatever the endpoint's state is
    partition       integer,
    record_offset   bigint,
    body            bytea,                      -- the record's value; NULL unless pending
    about           bigint[] NOT NULL,          -- accounts that the event is about
    state           text NOT NULL CHECK (state IN ('pending', 'delivered', 'failed', 'withheld')),
    attempts        integer NOT NULL DEFAULT 0,
    next_attempt_at timestamptz,                -- of a pending one
    created_at      timestamptz NOT NULL,
    finished_at     timestamptz,
    last_status     integer,
    last_ms         integer,
    last_answer     text,                       -- its beginning, 1 KB at most
    last_error      text,
    UNIQUE (endpoint_id, event_id, round),
    CHECK ((state = 'pending') = (body IS NOT NULL)),
    CHECK ((topic IS NULL) = (record_offset IS NULL))
);

CREATE INDEX deliveries_due ON deliveries (next_attempt_at, id) WHERE state = 'pending';
CREATE INDEX deliveries_of_lane ON deliveries (endpoint_id, subject, id) WHERE state = 'pending';
CREATE INDEX deliveries_by_endpoint ON deliveries (endpoint_id, id);
CREATE INDEX deliveries_by_state ON deliveries (endpoint_id, state, id);
CREATE INDEX deliveries_by_age ON deliveries (created_at);
CREATE INDEX deliveries_about ON deliveries USING gin (about) WHERE state = 'pending';
