-- The originals in the raw bucket. Uploads are deleted a month after their end; an original stays as long as its photo.
CREATE TABLE originals (
    photo_id     bigint PRIMARY KEY,
    upload_id    bigint NOT NULL,
    account_id   bigint NOT NULL,
    content_type text NOT NULL,
    size_bytes   bigint NOT NULL,
    etag         text, -- null: completed before this table existed
    uploaded_at  timestamptz NOT NULL,
    version      bigint NOT NULL DEFAULT 1 -- entity version of our latest event about the photo
);

CREATE INDEX originals_by_account ON originals (account_id, photo_id);

INSERT INTO originals (photo_id, upload_id, account_id, content_type, size_bytes, uploaded_at)
SELECT photo_id, upload_id, account_id, content_type, size_bytes, closed_at FROM uploads WHERE status = 'completed';
