-- Any status but `active` hides the account, and what is between it and others, from everybody else.
ALTER TABLE accounts ADD COLUMN status text NOT NULL DEFAULT 'active';
