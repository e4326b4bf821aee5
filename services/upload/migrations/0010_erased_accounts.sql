-- An account that was erased cannot begin an upload, though its last access token is still valid: the mark is in the row
-- under whose lock uploads begin.
ALTER TABLE account_usage ADD COLUMN erased boolean NOT NULL DEFAULT false;

CREATE INDEX uploads_by_account ON uploads (account_id, upload_id);
