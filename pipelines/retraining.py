"""Retraining on a schedule: a run that finds no newer dump ends at once, as nothing new."""

import inspect
from typing import Any

from kfp import dsl
from kfp.dsl.graph_component import GraphComponent

from components.ingest.component import look_for_dump, record_dump
from components.ingest.config import LookConfig
from components.shared.component import make_parameter
from components.shared.settings import list_settings
from pipelines.steps import Step

_RECORD = list_settings(LookConfig)["record"]
_RECORD_PARAMETER = make_parameter(_RECORD).replace(kind=inspect.Parameter.POSITIONAL_ONLY)
LOOK_STEPS = {"look": Step(config=LookConfig, hidden=("timeout_seconds", "max_retries"))}
SUFFIX = "-retraining"


def retraining(pipeline: GraphComponent) -> GraphComponent:
    """Return a pipeline that runs another if its dump is newer than the last one trained on.

    Its parameters are the other's, and `record`. What the other returns is in its steps'
    outputs only: Kubeflow has no outputs of a part that may be skipped.

    Args:
        pipeline: takes `dump`, `dump_site` and `checkpoint_directory`.
    """
    function = pipeline.pipeline_func
    signature = inspect.Signature(
        [_RECORD_PARAMETER, *inspect.signature(function).parameters.values()]
    )

    def run_if_new(*arguments: Any) -> None:
        parameters = dict(zip(signature.parameters, arguments, strict=True))
        record = parameters.pop("record")
        looked = look_for_dump(
            dump=parameters["dump"],
            dump_site=parameters["dump_site"],
            record=record,
            checkpoint_directory=parameters["checkpoint_directory"],
        )
        # The world changes, though the parameters do not.
        looked.set_caching_options(False).set_display_name("Look for a newer dump")
        found = {
            "dump": looked.outputs["found_dump"],
            "checkpoint_directory": looked.outputs["dump_checkpoints"],
        }
        with dsl.If(looked.outputs["is_new"] == True, name="newer-dump"):  # noqa: E712 - kfp's
            trained = pipeline(**{**parameters, **found})
            recorded = record_dump(
                dump=found["dump"],
                fingerprint=looked.outputs["fingerprint"],
                record=record,
                dump_checkpoints=found["checkpoint_directory"],
            )
            recorded.after(trained).set_caching_options(False)
            recorded.set_display_name("Note the dump")

    run_if_new.__signature__ = signature  # type: ignore[attr-defined]
    run_if_new.__doc__ = f"{inspect.getdoc(function)}\n    {_RECORD.name}: {_RECORD.text}"
    return dsl.pipeline(
        run_if_new,
        name=f"{pipeline.component_spec.name}{SUFFIX}",
        description=f"If there is a newer dump: {pipeline.component_spec.description}",
    )
