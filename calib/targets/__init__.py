"""Calibration boards: their geometry, their print and their detection in pictures."""
