"""HTTP API: routes parse, call one use case, and serialize."""
