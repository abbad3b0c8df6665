"""Sessions as files: what is in them, what becomes of them, and where recordings go."""
