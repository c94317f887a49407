"""What several stages use; nothing here knows a stage, and only bert/ needs TensorFlow."""
