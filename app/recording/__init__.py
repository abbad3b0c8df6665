"""Recording in the window: what is to be shown of it, the controls, and what a crash has left."""
