"""Kafka: the publisher, the consumer runner and the topics. Nothing else imports a Kafka driver."""
