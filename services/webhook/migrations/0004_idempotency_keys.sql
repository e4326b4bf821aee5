-- What an idempotency key creates, for a day. Every service that takes such keys and has PostgreSQL keeps this file in
-- its migrations as it is (a test compares them); photomesh_shared.stores.idempotency_keys is the only code that touches
-- the table.
CREATE TABLE idempotency_keys (
    name        bytea PRIMARY KEY, -- hash of caller, path and key
    fingerprint bytea NOT NULL, -- hash of the request
    creation_id bigint NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);
