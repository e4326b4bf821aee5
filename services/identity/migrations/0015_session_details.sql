-- What the owner of a session is shown of it. Networks are personal data: they are erased 30 days after the last use.
ALTER TABLE sessions
    ADD COLUMN client      text NOT NULL DEFAULT '', -- program and system of the user agent, such as 'Firefox on Windows'
    ADD COLUMN network     text,                     -- the /24 or /48 of the last use
    ADD COLUMN used_at     timestamptz,              -- of the last log-in or refresh; NULL: not since this column exists
    ADD COLUMN refresh_tat bigint NOT NULL DEFAULT 0; -- the rate limit of refreshes (GCRA), in µs
CREATE INDEX sessions_network ON sessions (used_at) WHERE network IS NOT NULL;
CREATE INDEX sessions_expires ON sessions (expires_at);
