"""BERT itself, and how it is trained and stored: TensorFlow, Keras and Horovod."""

import os

# TensorFlow greets with a dozen lines of its build's details on every import.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
