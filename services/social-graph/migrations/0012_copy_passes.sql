-- How far the comparison of copies with their owner is, as JSON.
CREATE TABLE copy_passes (
    copy  text PRIMARY KEY,
    state text NOT NULL
);
