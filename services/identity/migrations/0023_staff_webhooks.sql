-- The webhook that an action of staff is about, if it is about one.
ALTER TABLE staff_audit_log ADD COLUMN webhook_id bigint;
