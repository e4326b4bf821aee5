"""Lists of close friends: followers whom an account chose, and who do not hear of it."""
