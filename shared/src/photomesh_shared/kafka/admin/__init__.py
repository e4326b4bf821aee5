"""Administration of Kafka: topics, users and their rights, moving records after changes."""
