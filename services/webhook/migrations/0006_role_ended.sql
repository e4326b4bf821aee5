-- Endpoints of everybody's events end with their owner's role.
ALTER TABLE endpoints DROP CONSTRAINT endpoints_disabled_reason_check;
ALTER TABLE endpoints ADD CONSTRAINT endpoints_disabled_reason_check
    CHECK (disabled_reason IN ('owner', 'gone', 'failing', 'account', 'role'));
