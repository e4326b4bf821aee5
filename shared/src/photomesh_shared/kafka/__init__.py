"""Kafka: the publisher, the consumer runner and the topics. The only package that imports a Kafka driver."""
