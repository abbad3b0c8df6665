"""What a recording is beside its pictures, and the poses that are found in it."""
