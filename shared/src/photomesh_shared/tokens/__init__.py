"""Access tokens: their verification; personal ones (their form, their scopes); roles of staff; and the problems of
tokens that may not do something."""
