-- Addresses that accounts want events sent to. An endpoint is `live` when every event that it wants is a row of
-- `deliveries`; `behind` when the topics are its backlog, from the offsets in `cursors` on.
CREATE TABLE endpoints (
    id              bigint PRIMARY KEY,
    account_id      bigint NOT NULL,
    audience        text NOT NULL CHECK (audience IN ('own', 'everyone')),
    url             text NOT NULL,
    types           text[] NOT NULL,
    ordering        text NOT NULL CHECK (ordering IN ('subject', 'none')),
    description     text NOT NULL,
    state           text NOT NULL CHECK (state IN ('enabled', 'disabled')),
    disabled_reason text CHECK (disabled_reason IN ('owner', 'gone', 'failing', 'account')),
    version         bigint NOT NULL,            -- grows with each change of the columns above
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    -- What delivery knows of it.
    round           integer NOT NULL DEFAULT 0, -- grows with each replay: its events are delivered again
    behind          boolean NOT NULL DEFAULT false,
    gap             boolean NOT NULL DEFAULT false, -- a topic no longer had what it was to get
    failures        integer NOT NULL DEFAULT 0, -- in a row
    attempts_failed integer NOT NULL DEFAULT 0, -- since failing_since
    failing_since   timestamptz,                -- of the first failure after the last success
    next_probe_at   timestamptz,                -- the circuit is open: nothing is sent before
    warned_hours    integer NOT NULL DEFAULT 0, -- of failing, that the owner was told last
    lease_holder    text,                       -- the process that sends to it
    lease_until     timestamptz,
    CHECK ((state = 'disabled') = (disabled_reason IS NOT NULL))
);

CREATE INDEX endpoints_by_account ON endpoints (account_id, id);
-- Asked for with each batch of records, beside the accounts that they are about.
CREATE INDEX endpoints_of_everyone ON endpoints (id) WHERE audience = 'everyone';

-- Secrets that requests are signed with. Two at most are live: the one that replaced another, and that for a day.
CREATE TABLE secrets (
    endpoint_id bigint NOT NULL REFERENCES endpoints ON DELETE CASCADE,
    id          bigint GENERATED ALWAYS AS IDENTITY,
    sealed      bytea NOT NULL,                 -- endpoints/secrets.py
    created_at  timestamptz NOT NULL,
    expires_at  timestamptz,
    PRIMARY KEY (endpoint_id, id)
);

-- From where on an endpoint has not got the events of a partition. Without a row: it has got all up to the group's
-- position.
CREATE TABLE cursors (
    endpoint_id bigint NOT NULL REFERENCES endpoints ON DELETE CASCADE,
    topic       text NOT NULL,
    partition   integer NOT NULL,
    next_offset bigint NOT NULL,
    PRIMARY KEY (endpoint_id, topic, partition)
);

-- Where the consumer group is: written in the transaction that stores what a batch of records became.
CREATE TABLE positions (
    topic       text NOT NULL,
    partition   integer NOT NULL,
    next_offset bigint NOT NULL,
    PRIMARY KEY (topic, partition)
);

-- Accounts that were erased: a token that is still valid makes no new endpoint.
CREATE TABLE erased_accounts (
    account_id bigint PRIMARY KEY,
    erased_at  timestamptz NOT NULL
);
