"""Retraining on a schedule: a run that finds no new data ends at once, as nothing new.

Whichever way a run ends, a message says so.
"""

import inspect
from collections.abc import Mapping
from typing import Any

from kfp import dsl
from kfp.dsl.graph_component import GraphComponent

from components.ingest.component import look_for_dump, record_dump
from components.ingest.config import CURRENT
from components.ingest.look_config import LookConfig
from components.notify.component import notify
from components.notify.config import NotifyConfig
from components.shared.stage.component import describe, make_parameter
from components.shared.stage.settings import list_settings
from pipelines.steps import HIDDEN_SERVER, Step, name_parameters

LOOK = Step(config=LookConfig, hidden=(*HIDDEN_SERVER, "squad_train"))
NOTIFY = Step(
    config=NotifyConfig,
    hidden=("pipeline", "final_status", "record"),
    defaults={"pipeline": "", "final_status": {}},
)
SUFFIX = "-retraining"
# What it adds to the parameters of the pipeline that it runs.
_OWN_OF_LOOK = (
    "record", "retrain_on", "without_current", "when_running", "max_run_hours", "settings_digest",
)  # fmt: skip
_OWN = [list_settings(LookConfig)[name] for name in _OWN_OF_LOOK] + [
    list_settings(NotifyConfig)[name] for name in name_parameters("notify", NOTIFY)
]
NO_SETTINGS = frozenset([*list_settings(LookConfig), *list_settings(NotifyConfig)])
"""The parameters that name data, or say how a run is started and told of; others are settings."""


def retraining(pipeline: GraphComponent) -> GraphComponent:
    """Return a pipeline that runs another if its inputs differ from those trained on last.

    Its parameters are the other's, those of the look for new inputs and those of the message. What
    the other returns is in its steps' outputs only: Kubeflow has no outputs of a part that may be
    skipped, or that an exit handler follows. So this pipeline alone sends messages; who starts one
    of the others follows it.

    Args:
        pipeline: takes `dump`, `dump_site` and `checkpoint_directory`; of others in the look's
            settings, those that it has.
    """
    function = pipeline.pipeline_func
    name = f"{pipeline.component_spec.name}{SUFFIX}"
    parameters = [
        *map(make_parameter, _OWN),
        *inspect.signature(function).parameters.values(),
    ]
    signature = inspect.Signature(
        [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in parameters]
    )

    def retrain(*arguments: Any) -> None:
        given = dict(zip(signature.parameters, arguments, strict=True))
        message = {one: given.pop(one) for one in name_parameters("notify", NOTIFY)}
        notified = notify(pipeline=name, record=given["record"], **message)
        notified.set_display_name("Tell how the run ended")
        notified.set_caching_options(False)
        with dsl.ExitHandler(notified, name="retrain"):
            _run_if_new(pipeline, given)

    retrain.__signature__ = signature  # type: ignore[attr-defined]
    texts = "".join(f"\n    {one.name}: {describe(one)}" for one in _OWN)
    retrain.__doc__ = f"{inspect.getdoc(function)}{texts}"
    return dsl.pipeline(
        retrain,
        name=name,
        description=f"If there is new data: {pipeline.component_spec.description}",
    )


def _run_if_new(pipeline: GraphComponent, given: dict[str, Any]) -> None:
    """Look for new inputs; if there are some, run the pipeline on them and record them."""
    looked = look_for_dump(
        **{name: given[name] for name in list_settings(LookConfig) if name in given}
    )
    # The world changes, though the parameters do not.
    looked.set_caching_options(False).set_display_name("Look for new data")
    own = {name: given.pop(name) for name in _OWN_OF_LOOK}
    found = {
        "dump": looked.outputs["found_dump"],
        "checkpoint_directory": looked.outputs["dump_checkpoints"],
    }
    if "initial_checkpoint" in given:
        found["initial_checkpoint"] = looked.outputs["found_checkpoint"]
    with dsl.If(looked.outputs["is_new"] == True, name="new-data"):  # noqa: E712 - kfp's
        trained = pipeline(**{**given, **found})
        recorded = record_dump(
            dump=found["dump"],
            fingerprint=looked.outputs["fingerprint"],
            inputs=looked.outputs["inputs"],
            record=own["record"],
            dump_checkpoints=found["checkpoint_directory"],
        )
        recorded.after(trained).set_caching_options(False)
        recorded.set_display_name("Record the data")


def resolve_look(name: str, values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a run's parameters as the steps after the look may get them.

    Args:
        name: the pipeline's.
        values: all its parameters.
    """
    if name.endswith(SUFFIX) and values.get("initial_checkpoint") == CURRENT:
        return {**values, "initial_checkpoint": ""}
    return values
