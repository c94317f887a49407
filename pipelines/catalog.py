"""The pipelines by name, for every command that takes one."""

from pipelines.bert import bert
from pipelines.classification import classification
from pipelines.retraining import LOOK, NOTIFY, SUFFIX
from pipelines.squad import squad
from pipelines.steps import Steps, steps_of

# A new pipeline is added here.
PIPELINES = {one.component_spec.name: one for one in (bert, squad, classification)}


def find_steps(name: str) -> Steps:
    """Return the steps of a pipeline of this project, or of its retraining; none of another."""
    base = name.removesuffix(SUFFIX)
    if base not in PIPELINES:
        return {}
    steps = steps_of(PIPELINES[base])
    return steps if base == name else {"look": LOOK, **steps, "notify": NOTIFY}
