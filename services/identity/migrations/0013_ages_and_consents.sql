-- Of a birth date only the range is kept.
ALTER TABLE accounts
    ADD COLUMN age text CHECK (age IN ('13-15', '16-17', 'adult')),
    ADD COLUMN age_stated_at timestamptz;

-- What somebody has agreed to, and withdrawn. Rows are only added.
CREATE TABLE consents (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
    purpose    text NOT NULL,
    version    text NOT NULL,            -- of the text that was shown
    given      boolean NOT NULL,         -- false: withdrawn
    source     text NOT NULL,            -- where it was said: registration, settings
    decided_at timestamptz NOT NULL
);
CREATE INDEX consents_account ON consents (account_id, id);
