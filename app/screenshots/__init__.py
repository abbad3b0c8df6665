"""`egopose screenshots`: every page and mode as pictures, and the clip of the README."""
