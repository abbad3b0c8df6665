"""Calibrating any fisheye: as a command, and as a mode of the window."""
