"""Words of texts and of queries."""
