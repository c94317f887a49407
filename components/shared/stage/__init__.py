"""How a stage is set, started and watched, by a person or by Kubeflow."""
