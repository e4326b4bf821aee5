-- One row per upload, from init until some time after its end.
CREATE TABLE uploads (
    upload_id    bigint PRIMARY KEY,
    account_id   bigint NOT NULL,
    photo_id     bigint NOT NULL UNIQUE, -- given out at init, so that every completion of this upload means one photo
    status       text NOT NULL CHECK (status IN ('open', 'completed', 'aborted', 'expired')),
    filename     text NOT NULL,
    content_type text NOT NULL,
    size_bytes   bigint NOT NULL CHECK (size_bytes > 0),
    part_size    bigint NOT NULL CHECK (part_size > 0), -- kept, so that changing ours does not touch what is open
    multipart_id text NOT NULL, -- the object store's name for the upload
    created_at   timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL,
    closed_at    timestamptz CHECK ((closed_at IS NULL) = (status = 'open')),
    cleared      boolean NOT NULL DEFAULT false -- nothing is left of an aborted or expired upload in the object store
);

CREATE INDEX uploads_open_by_account ON uploads (account_id, upload_id) WHERE status = 'open';
CREATE INDEX uploads_open_by_expiry ON uploads (expires_at) WHERE status = 'open';
CREATE INDEX uploads_to_clear ON uploads (closed_at) WHERE status IN ('aborted', 'expired') AND NOT cleared;
CREATE INDEX uploads_closed ON uploads (closed_at) WHERE status <> 'open';

-- What each account has begun on its latest day (UTC). The row is also the lock under which its quotas are checked.
CREATE TABLE account_usage (
    account_id bigint PRIMARY KEY,
    day        date NOT NULL,
    uploads    integer NOT NULL,
    bytes      bigint NOT NULL
);
