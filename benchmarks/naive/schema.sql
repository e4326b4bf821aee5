CREATE TABLE users (
    id           bigint PRIMARY KEY,
    username     text NOT NULL UNIQUE,
    display_name text NOT NULL,
    avatar_url   text
);

-- The primary key answers "whom do I follow", the index "who follows me".
CREATE TABLE follows (
    follower_id bigint NOT NULL,
    followee_id bigint NOT NULL,
    PRIMARY KEY (follower_id, followee_id)
);
CREATE INDEX follows_by_followee ON follows (followee_id, follower_id);

-- The count is a column, kept in the transaction of each like: reading is then free, and a page of a feed has twenty.
-- Some room on each page, so that a like is a heap-only update.
CREATE TABLE posts (
    id           bigint PRIMARY KEY,
    author_id    bigint NOT NULL,
    caption      text NOT NULL,
    hashtags     text[] NOT NULL,
    mentions     text[] NOT NULL,
    entities     jsonb NOT NULL DEFAULT '{"mentions": [], "hashtags": []}',
    place        jsonb,
    created_at   timestamptz NOT NULL,
    edited_at    timestamptz,
    like_count   int NOT NULL DEFAULT 0,
    comment_count int NOT NULL DEFAULT 0
) WITH (fillfactor = 85);
CREATE INDEX posts_by_author ON posts (author_id, id DESC);

CREATE TABLE photos (
    id          bigint PRIMARY KEY,
    owner_id    bigint NOT NULL,
    post_id     bigint,
    position    int NOT NULL DEFAULT 0,
    width       int NOT NULL,
    height      int NOT NULL,
    placeholder text NOT NULL,
    alt_text    text
);
CREATE INDEX photos_by_post ON photos (post_id, position);

CREATE TABLE likes (
    post_id    bigint NOT NULL,
    account_id bigint NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (post_id, account_id)
);

CREATE TABLE saves (
    account_id bigint NOT NULL,
    post_id    bigint NOT NULL,
    PRIMARY KEY (account_id, post_id)
);
