-- An export of an account's data, and how far it has come. An account has one at a time.
CREATE TABLE exports (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id   bigint NOT NULL,
    prefix       text NOT NULL,              -- of its objects in the exports bucket
    state        text NOT NULL CHECK (
        state IN ('queued', 'collecting', 'packing', 'completed', 'failed', 'cancelled', 'expired')
    ),
    created_at   timestamptz NOT NULL,
    ended_at     timestamptz,
    expires_at   timestamptz,                -- of a completed one: when its objects are deleted
    attempts     smallint NOT NULL DEFAULT 0, -- of workers since the last checkpoint
    run_after    timestamptz NOT NULL,
    lease_token  text,                       -- which worker runs it: every checkpoint names it
    leased_until timestamptz,
    cleared      boolean NOT NULL DEFAULT false -- of one that ended: its objects are deleted
);

CREATE UNIQUE INDEX exports_running ON exports (account_id) WHERE state IN ('queued', 'collecting', 'packing');
CREATE INDEX exports_due ON exports (run_after, id) WHERE state IN ('queued', 'collecting', 'packing');
CREATE INDEX exports_by_account ON exports (account_id, id);
CREATE INDEX exports_to_clear ON exports (id) WHERE state IN ('failed', 'cancelled', 'expired') AND NOT cleared;
CREATE INDEX exports_expiring ON exports (expires_at) WHERE state = 'completed';

-- How far each section was collected. Its items are in objects of several megabytes, numbered from 0.
CREATE TABLE export_sections (
    export_id bigint NOT NULL REFERENCES exports ON DELETE CASCADE,
    name      text NOT NULL,
    ordinal   smallint NOT NULL,
    state     text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'collected', 'failed')),
    position  text,                          -- next_cursor of the last page that is stored
    items     bigint NOT NULL DEFAULT 0,
    bytes     bigint NOT NULL DEFAULT 0,
    chunks    integer NOT NULL DEFAULT 0,
    problem   text,
    PRIMARY KEY (export_id, name)
);

-- Photos to pack, in the order of their numbers, and the part that each belongs to once that is planned.
CREATE TABLE export_files (
    export_id   bigint NOT NULL REFERENCES exports ON DELETE CASCADE,
    number      bigint NOT NULL,             -- the photo's id
    part        integer,
    name        text NOT NULL,               -- in the zip
    object_key  text NOT NULL,               -- in the raw bucket
    etag        text,
    size_bytes  bigint NOT NULL,
    modified_at timestamptz NOT NULL,
    problem     text,                        -- why it is missing, or not whole
    PRIMARY KEY (export_id, number)
);

-- Zips that are stored.
CREATE TABLE export_parts (
    export_id    bigint NOT NULL REFERENCES exports ON DELETE CASCADE,
    number       integer NOT NULL,           -- from 1
    object_key   text NOT NULL,
    size_bytes   bigint NOT NULL,
    sha256       text NOT NULL,
    completed_at timestamptz NOT NULL,
    PRIMARY KEY (export_id, number)
);

-- Accounts that were erased: a token that is still valid begins no new export.
CREATE TABLE erased_accounts (
    account_id bigint PRIMARY KEY,
    erased_at  timestamptz NOT NULL
);
