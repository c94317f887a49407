"""Retraining on a schedule: a run that finds no newer dump ends at once, as nothing new.

Whichever way a run ends, a message says so.
"""

import inspect
from typing import Any

from kfp import dsl
from kfp.dsl.graph_component import GraphComponent

from components.ingest.component import look_for_dump, record_dump
from components.ingest.config import LookConfig
from components.notify.component import notify
from components.notify.config import NotifyConfig
from components.shared.component import describe, make_parameter
from components.shared.settings import list_settings
from pipelines.steps import Step, name_parameters

LOOK = Step(config=LookConfig, hidden=("timeout_seconds", "max_retries"))
NOTIFY = Step(
    config=NotifyConfig,
    hidden=("pipeline", "final_status"),
    defaults={"pipeline": "", "final_status": {}},
)
SUFFIX = "-retraining"
# What it adds to the parameters of the pipeline that it runs.
_OWN = [list_settings(LookConfig)["record"]] + [
    list_settings(NotifyConfig)[name] for name in name_parameters("notify", NOTIFY)
]


def retraining(pipeline: GraphComponent) -> GraphComponent:
    """Return a pipeline that runs another if its dump is newer than the last one trained on.

    Its parameters are the other's, `record` and those of the message. What the other returns is in
    its steps' outputs only: Kubeflow has no outputs of a part that may be skipped, or that an exit
    handler follows. So this pipeline alone sends messages; who starts one of the others follows it.

    Args:
        pipeline: takes `dump`, `dump_site` and `checkpoint_directory`.
    """
    function = pipeline.pipeline_func
    part = _leave_out_texts(pipeline)
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
        notified = notify(pipeline=name, **message).set_display_name("Tell how the run ended")
        notified.set_caching_options(False)
        with dsl.ExitHandler(notified, name="retrain"):
            _run_if_new(part, given)

    retrain.__signature__ = signature  # type: ignore[attr-defined]
    texts = "".join(f"\n    {one.name}: {describe(one)}" for one in _OWN)
    retrain.__doc__ = f"{inspect.getdoc(function)}{texts}"
    return dsl.pipeline(
        retrain,
        name=name,
        description=f"If there is a newer dump: {pipeline.component_spec.description}",
    )


def _leave_out_texts(pipeline: GraphComponent) -> GraphComponent:
    """Return a pipeline without its parameters' texts and defaults, which the one around it has.

    With both, the package would be too large for `kubectl apply` of a ConfigMap that holds it.
    """
    function = pipeline.pipeline_func

    def plain(*arguments: Any, **keywords: Any) -> Any:
        return function(*arguments, **keywords)

    signature = inspect.signature(function)
    plain.__signature__ = signature.replace(  # type: ignore[attr-defined]
        parameters=[one.replace(default=one.empty) for one in signature.parameters.values()]
    )
    return dsl.pipeline(plain, name=pipeline.component_spec.name)


def _run_if_new(pipeline: GraphComponent, given: dict[str, Any]) -> None:
    """Look for a newer dump; if there is one, run the pipeline on it and note it."""
    record = given.pop("record")
    looked = look_for_dump(
        dump=given["dump"],
        dump_site=given["dump_site"],
        record=record,
        checkpoint_directory=given["checkpoint_directory"],
    )
    # The world changes, though the parameters do not.
    looked.set_caching_options(False).set_display_name("Look for a newer dump")
    found = {
        "dump": looked.outputs["found_dump"],
        "checkpoint_directory": looked.outputs["dump_checkpoints"],
    }
    with dsl.If(looked.outputs["is_new"] == True, name="newer-dump"):  # noqa: E712 - kfp's
        trained = pipeline(**{**given, **found})
        recorded = record_dump(
            dump=found["dump"],
            fingerprint=looked.outputs["fingerprint"],
            record=record,
            dump_checkpoints=found["checkpoint_directory"],
        )
        recorded.after(trained).set_caching_options(False)
        recorded.set_display_name("Note the dump")
