"""Open streams of one process: memory of each, and processor time of each event that is delivered.

Then the program is restarted under some of the streams, while events go on.

Ours is the program as it is, with its tokens, logs, leases and limits; beside it, an app with `fastapi.sse`, one
subscription of Redis and a queue for each stream, and nothing else.
"""
