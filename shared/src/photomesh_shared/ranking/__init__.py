"""What those who serve rankings and those who train rankers agree on: features and the form of models."""
