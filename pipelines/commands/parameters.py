"""The flags of a pipeline's parameters, in the groups in which --help shows them."""

from collections.abc import Sequence

from components.shared.stage.settings import Setting
from pipelines.steps import Parameter, Steps, list_parameters


def group_parameters(steps: Steps, more: Sequence[Setting] = ()) -> dict[str, list[Setting]]:
    """Group a pipeline's parameters by the stage that takes them.

    Required ones come first, and rarely needed ones of all stages last.

    Args:
        steps: the pipeline's.
        more: settings of the command itself.
    """
    groups: dict[str, list[Setting]] = {"required": [], "run": list(more)}
    rare: list[Setting] = []
    for parameter in list_parameters(steps).values():
        setting = parameter.setting
        if setting.is_required:
            groups["required"].append(setting)
        elif setting.is_rare:
            rare.append(setting)
        else:
            groups.setdefault(_name_stage(parameter, steps), []).append(setting)
    shared = groups.pop(_SHARED, [])
    return groups | {_SHARED: shared, "rarely_needed": rare}


_SHARED = "shared"


def _name_stage(parameter: Parameter, steps: Steps) -> str:
    """Return the only stage that takes a parameter; several share it otherwise."""
    stages = {steps[name].config.__module__.split(".")[1] for name in parameter.steps}
    return stages.pop() if len(stages) == 1 else _SHARED
