"""Makes Redis again, from topics, when it has lost everything."""
