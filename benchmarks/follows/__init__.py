"""Following and unfollowing: calls a second, and how long until the feed shows it.

make bench-follows                     about three minutes; starts the test stack if it is not up
make bench-follows ARGS="--quick"      one
"""
