"""Training on several nodes: an MPIJob that a step makes, follows and ends."""
