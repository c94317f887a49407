"""What speaks to a Kubeflow Pipelines server: packages, runs and schedules."""
