"""The training loop, its settings, and the states from which it resumes."""
