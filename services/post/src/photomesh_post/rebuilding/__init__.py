"""The read models made from zero, from the topics, and compared with the tables."""
