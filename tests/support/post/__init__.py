"""Post in memory, and sample events of what it consumes."""
