-- Rate limits of failed log-ins, codes and confirmations (GCRA): one row for each account, address and prefix that
-- failed lately. A server that crashes forgets them, which is why the table needs no log.
CREATE UNLOGGED TABLE attempts (
    name bytea PRIMARY KEY,  -- keyed hash of what is counted, so that neither log-ins nor addresses are kept
    tat  bigint NOT NULL     -- theoretical arrival time, in µs; a row whose time has passed may go
);
CREATE INDEX attempts_tat ON attempts (tat);
