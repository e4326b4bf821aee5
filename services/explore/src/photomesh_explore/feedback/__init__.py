"""What people say about what they are shown."""
