"""Data sets of other people, the project's sessions and shards: one sample type for all. See `sequence`."""
