"""Search on a real OpenSearch, with the cities of GeoNames as accounts, whose followers are their inhabitants.

- *Known items*: somebody types four letters and means the city with the most inhabitants whose name begins so. Beside
  PostgreSQL with the same names: `LIKE`, and words alike by trigrams.
- *Suggestions*: 200 a second through the gateway, while people type what they mean letter by letter.
- *Indexing*: events of accounts, followers and posts, as the consumer handles them.
- *Freshness*: from the answer to a new post until it is found.

make bench-search                     about five minutes; starts the test stack if it is not up
make bench-search ARGS="--quick"      a third of that
"""
