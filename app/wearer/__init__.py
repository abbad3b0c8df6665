"""Setting up the wearer: height or measured bones, kept as profiles."""
