"""Posts, trends and people that an account does not know yet."""
