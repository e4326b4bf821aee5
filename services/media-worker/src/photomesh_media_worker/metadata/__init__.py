"""What the camera wrote into the file beside the picture."""
