"""From events to tasks: what became of what, by recipient."""
