-- Object storage may keep every copy of a part that is sent again, until the upload ends. The sweeper counts the stored
-- bytes of uploads that stay open.
ALTER TABLE uploads
    ADD COLUMN counted_bytes bigint,     -- against the quota of the account; null: size_bytes
    ADD COLUMN audited_at    timestamptz;

CREATE INDEX uploads_to_audit ON uploads (coalesce(audited_at, created_at)) WHERE status = 'open';
