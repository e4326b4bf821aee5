"""What people hear of: a burst of likes on one post, likes of many people's posts while they listen, and their lists.

Of the burst: writes of groups, pushes and processor time, beside a naive writer that stores a row and changes the group
with each like.

The delay until the stream is measured twice: with notification's programs and what they call, while the other consumers
of likes are stopped, and with the whole mesh. Elsewhere each program has its own processors; here all share a few, and
of 200 likes a second most is used for the counts, feeds and webhooks of the same likes. Processor time by program says
how many cores it takes.
"""
