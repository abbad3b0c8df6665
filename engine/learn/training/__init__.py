"""What trains a network: runs in stages, read from a recipe, on Lightning. See `recipe`."""
