"""The pipeline, and how it is compiled and run."""
