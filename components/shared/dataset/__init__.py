"""The dataset between preprocessing and pretraining: its folder and its records."""
