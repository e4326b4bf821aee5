-- For the erasure of an account: also what others did to it must be found.
CREATE INDEX pairs_target ON pairs (target_id, actor_id);
