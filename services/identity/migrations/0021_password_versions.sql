-- Counts the changes of a password. A log-in that verified an earlier one starts no session.
ALTER TABLE credentials ADD COLUMN password_version integer NOT NULL DEFAULT 1;

-- Of the password that was verified for the ticket. The default is for replicas of the release before.
ALTER TABLE login_tickets ADD COLUMN password_version integer NOT NULL DEFAULT 1;
