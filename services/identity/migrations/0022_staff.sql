-- Whether the session began with a second factor or a passkey: only the tokens of such sessions carry roles.
ALTER TABLE sessions ADD COLUMN second_factor boolean NOT NULL DEFAULT false;

CREATE TABLE staff_roles (
    account_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
    role       text NOT NULL,
    granted_at timestamptz NOT NULL,
    PRIMARY KEY (account_id, role)
);

-- What staff did. Rows outlive the accounts that they name.
CREATE TABLE staff_audit_log (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at         timestamptz NOT NULL,
    staff_id   bigint,                  -- NULL: an operator, by a command
    action     text NOT NULL,
    account_id bigint,                  -- whom it was done to, if it was anybody
    role       text,                    -- that was granted or revoked
    reason     text NOT NULL            -- by the staff member; empty where none is asked for
);
CREATE INDEX staff_audit_log_account ON staff_audit_log (account_id, id);
CREATE INDEX staff_audit_log_staff ON staff_audit_log (staff_id, id);
CREATE INDEX staff_audit_log_age ON staff_audit_log (at);

-- Append-only: nothing is changed, and nothing is deleted before two years (`AUDIT_KEPT`) have passed.
CREATE FUNCTION keep_staff_audit_log() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND OLD.at < now() - interval '730 days' THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'the audit log of staff is append-only' USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER keep_rows BEFORE UPDATE OR DELETE ON staff_audit_log
    FOR EACH ROW EXECUTE FUNCTION keep_staff_audit_log();
CREATE TRIGGER keep_table BEFORE TRUNCATE ON staff_audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION keep_staff_audit_log();
REVOKE UPDATE, TRUNCATE ON staff_audit_log FROM CURRENT_USER;
