"""Checkpoints of BERT: Google's files, Hugging Face's, and what lies beside them.

Those that an interrupted training resumes from are kept by components/shared/training/resuming.
"""
