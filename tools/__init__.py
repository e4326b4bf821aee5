"""Development tools of the repository; never imported in production."""
