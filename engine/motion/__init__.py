"""What happens to a pose after the network: filter, skeleton fit, files for other programs."""
