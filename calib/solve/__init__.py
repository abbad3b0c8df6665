"""From detected points to a calibrated camera with known errors."""
