"""What makes a network: the synthetic wearer, losses, training, evaluation. Needs torch."""
