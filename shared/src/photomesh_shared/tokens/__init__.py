"""Personal access tokens: their form, their scopes, and the problems of tokens that may not do something."""
