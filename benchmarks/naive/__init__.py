"""The naive design: one FastAPI process on one PostgreSQL, as a good engineer would write it in an afternoon.

feed      a query over follows and posts at each read, keyset cursor
likes     one row each, and a count column of the post in the same transaction
photos    bytes come in and go out through the API; thumbnails are made in the request, on a thread

It is meant to be a fair opponent: uvloop, httptools, asyncpg with prepared statements, an index for every question, one
round trip to the database a request, the same JSON and the same token check as ours. It has no gateway before it, no
rate limits, no access log, no metrics and no traces.

`python -m benchmarks.naive` serves it; `benchmarks.naive.server` runs it on a stack's PostgreSQL for a benchmark.
"""
