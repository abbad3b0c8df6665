"""Playing recordings: transport, timeline, errors."""
