"""Redis: what can be built again from topics, and what was shown to whom."""
