"""The fan-out of a post: from its event to the last follower's feed, on real Kafka and Redis, through the two
consumers as they run; beside the naive way, which pipelines EXISTS, ZADD and ZREMRANGEBYRANK for each follower.

Followers come from a server in the benchmark's process that has them in memory (a warm list); social-graph is not
measured here. Every follower has a feed.
"""
