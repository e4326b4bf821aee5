"""The services that feed calls: post and social-graph."""
