-- Whether people may find the account, and its posts, by searching. Those of minors are never found.
ALTER TABLE accounts ADD COLUMN wants_to_be_found boolean NOT NULL DEFAULT true;
