"""The published architecture, to compare ours with on the same data. See `published`."""
