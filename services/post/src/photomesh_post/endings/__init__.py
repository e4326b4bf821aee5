"""What ends with a post, a comment or an account, and what arrives after that."""
