"""Takes the best of the models that were fine-tuned with several learning rates and seeds."""
