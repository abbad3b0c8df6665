"""`egopose bench`: how fast networks run on this machine, as ratios within one run."""
