"""Retraining on a schedule: a run that finds no newer dump ends at once, as nothing new."""

import inspect
from typing import Any

from kfp import dsl
from kfp.dsl.graph_component import GraphComponent

from components.ingest.component import look_for_dump, record_dump

_RECORD = inspect.Parameter("record", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=str)
_RECORD_DOCSTRING = """
        record: JSON file that notes the dump trained on last, in which the run notes its own
            when it is done: a path (on a mounted volume), gs:// or s3:// address. Where there is
            none, the dump is new."""


def retraining(pipeline: GraphComponent) -> GraphComponent:
    """A pipeline that runs another if its dump is another than last time's.

    Its parameters are the other's, and `record`. Whatever the other gives is in its steps'
    outputs only: Kubeflow has no outputs of a part that may be left out.

    Args:
        pipeline: takes `dump`, `dump_site` and `checkpoint_directory`.
    """
    function = pipeline.pipeline_func
    signature = inspect.Signature([_RECORD, *inspect.signature(function).parameters.values()])

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
    head, args, rest = (function.__doc__ or "").partition("    Args:")
    run_if_new.__doc__ = head + args + _RECORD_DOCSTRING + rest.partition("    Returns:")[0]
    return dsl.pipeline(
        run_if_new,
        name=f"{pipeline.component_spec.name}-retraining",
        description=f"If there is a newer dump: {pipeline.component_spec.description}",
    )
