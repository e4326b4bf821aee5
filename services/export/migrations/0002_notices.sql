-- When the owner is to be told by mail that the export was asked for, and that it is ready; NULL: nothing is left to tell.
ALTER TABLE exports ADD COLUMN request_notice_due timestamptz;
ALTER TABLE exports ADD COLUMN ready_notice_due timestamptz;
CREATE INDEX exports_request_notice ON exports (request_notice_due) WHERE request_notice_due IS NOT NULL;
CREATE INDEX exports_ready_notice ON exports (ready_notice_due) WHERE ready_notice_due IS NOT NULL;
