"""Trends, and accounts to follow."""
