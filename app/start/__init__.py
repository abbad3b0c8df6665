"""The start page: what one can do, what was done last, what is plugged in."""
