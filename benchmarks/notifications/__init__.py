"""What people hear of: a burst of likes on one post, likes of many people's posts while they listen, and their lists.

Of the burst: writes of groups, pushes and processor time, beside a naive writer that stores a row and changes the group
with each like.
"""
