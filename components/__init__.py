"""The stages of the pipeline, one folder each, and what they share."""

import os

# TensorFlow greets with a dozen lines about its build; it reads this when first imported.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
