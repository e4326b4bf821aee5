"""Learning: logistic regression → trees → calibration → gate. Pure."""
