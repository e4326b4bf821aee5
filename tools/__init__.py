"""Tools of the repository itself; nothing that runs in production imports them."""
