"""What feeds are made of, from zero, from the topics; and its comparison with what Redis holds."""
