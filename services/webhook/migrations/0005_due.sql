-- When a sender must look at an endpoint: `wake` in endpoints/store.py sets it. So nobody searches the rows of all
-- endpoints for what is due.
ALTER TABLE endpoints ADD COLUMN due_at timestamptz;

CREATE INDEX endpoints_due ON endpoints (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX endpoints_of_operators ON endpoints (id) WHERE audience = 'everyone';
DROP INDEX deliveries_due;
