-- What a photo may be used for: 'post' (also for avatars) or 'story'.
ALTER TABLE uploads ADD COLUMN purpose text NOT NULL DEFAULT 'post';
ALTER TABLE originals ADD COLUMN purpose text NOT NULL DEFAULT 'post';
