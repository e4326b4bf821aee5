"""Groups: what an account hears of together."""
