"""A server that answers questions and labels sentences with a finished model."""
