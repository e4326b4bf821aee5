-- Until when one process may complete the upload: it calls object storage meanwhile, without a transaction.
ALTER TABLE uploads ADD COLUMN completing_until timestamptz;
