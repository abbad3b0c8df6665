"""The running pipeline: hand-offs, ring, meters, threads. No Qt, no torch."""
