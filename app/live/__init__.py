"""What is chosen while a camera is shown, and the booth mode."""
