"""Reading home feeds, beside the naive design: the same people, follows and posts, the same pages.

make bench-feed                              a synthetic graph, about 20 minutes; starts the test stack if it is not up
make bench-feed GRAPH=a-list.csv.gz          a graph of yours: two columns, in each line two who follow each other
make bench-feed ARGS="--quick"               fewer readers and posts, shorter runs

Readers who follow exactly 10, 200 and 1,000 people take turns, a thousand of each, so that no cache holds one page
only; with so many posts, and with ten times as many. Ours is measured through the gateway, the naive server straight.
Both give the same pages, which is checked first. The naive server's page is found by two queries (see
`benchmarks.naive.database`), and whichever is faster for its readers is what we compare with.
"""
