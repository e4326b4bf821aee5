"""One post, and everybody likes it: calls a second, how long they take, and when the count is exact.

make bench-likes                     50,000 likes on ours and on the naive server; starts the test stack if it is not up
make bench-likes ARGS="--quick"      5,000
"""
