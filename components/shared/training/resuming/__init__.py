"""The checkpoints of a run under way, from which it resumes."""
