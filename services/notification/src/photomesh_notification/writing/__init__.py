"""From tasks to groups."""
