"""Search: accounts, hashtags, places and posts; and the consumer that indexes them."""
