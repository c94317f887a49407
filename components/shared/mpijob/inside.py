"""Whether a process trains in a job's pod."""

import os

JOB_VARIABLE = "KUBEFLOW_BERT_MPIJOB"


def is_inside() -> bool:
    """Whether an MPIJob of ours started this process: nobody else copies its outputs."""
    return JOB_VARIABLE in os.environ
