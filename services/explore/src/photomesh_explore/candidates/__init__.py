"""What could be shown: kept from events, and scored."""
