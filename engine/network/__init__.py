"""The dual-stream network. Pure torch: nothing here knows cameras, files in use or threads."""
