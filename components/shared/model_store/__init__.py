"""A store of released models: one folder per version, and a pointer to the one in use."""
