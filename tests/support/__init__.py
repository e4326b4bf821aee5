"""What tests of several deployables share."""
