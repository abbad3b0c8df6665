"""How well calibration does: on made cameras, on real ones beside OpenCV, and whether its error bars are true."""
