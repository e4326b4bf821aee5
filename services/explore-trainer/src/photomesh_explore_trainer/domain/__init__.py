"""What models learn from, and which of them rank. Pure."""
