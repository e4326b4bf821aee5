"""The inventory of personal data in stores, from the `personal.toml` of each deployable."""
