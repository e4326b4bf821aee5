"""Stories that are over: their authors' archive, and the highlights that they choose from it."""
