"""The weights that a training starts from, and what of a checkpoint it could not use."""

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from components.shared.bert.heads import ClassifierModel, Model, PretrainingModel
from components.shared.checkpoints.checkpoint import (
    ENCODER,
    POOLER_SCOPE,
    Checkpoint,
    expect_no_problems,
    find_misfits,
    is_training_state,
    named_variables,
    shapes_of,
)
from components.shared.checkpoints.weights import Weights, open_weights, read_finite
from components.shared.errors import InputError
from components.shared.processes import distributed

# What pretraining may draw anew, each whole: a fine-tuned model has lost its predictions, one of
# Hugging Face's BertForMaskedLM the pooler and the next sentence's.
_PRETRAINING_HEADS = (POOLER_SCOPE, "cls/predictions/", "cls/seq_relationship/")


def start_from(
    checkpoint: Checkpoint,
    model: Model,
    *,
    labels: Sequence[str] | None = None,
    new_pooler: bool = False,
) -> None:
    """Give a model the weights of a checkpoint and list, in the log, each that is left over.

    A head of which the checkpoint has no variable keeps its own, freshly drawn; other tasks'
    heads and the optimizer's state are left. The encoder must fit whole. A checkpoint without
    weights leaves the model those that it was made with.

    Args:
        checkpoint: what to start from.
        model: built, with random weights.
        labels: a classifier's; the head of one with other labels is another task's.
        new_pooler: whether a classifier keeps its own pooler where the checkpoint has none.

    Raises:
        InputError: listing every variable that is missing, has another shape, or is of an
            encoder with more layers.
    """
    if not checkpoint.has_weights:
        if distributed.rank() == 0:
            print(f"{checkpoint.folder}: random weights", file=sys.stderr, flush=True)
        return
    weights, variables = open_weights(checkpoint.folder), named_variables(model)
    if isinstance(model, PretrainingModel):
        new = _list_missing_heads(weights, variables)
    else:
        new = _list_new_task(checkpoint, weights, variables, labels=labels)
        if isinstance(model, ClassifierModel) and not checkpoint.has_pooler:
            new = _list_new_pooler(checkpoint, variables, new_pooler=new_pooler) + new
    taken = {name: variable for name, variable in variables.items() if name not in new}
    rest = sorted(weights.shapes.keys() - taken.keys())
    unused = [name for name in rest if not is_training_state(name)]
    problems = find_misfits(weights, shapes_of(taken))
    problems += [f"{name}: not in the model" for name in unused if name.startswith(ENCODER)]
    expect_no_problems(checkpoint.folder, problems)
    for name, variable in taken.items():
        variable.assign(read_finite(weights, name, checkpoint.folder))
    if distributed.rank() == 0:
        state = [name for name in rest if is_training_state(name)]
        print(_report(checkpoint, len(taken), new, unused, state), file=sys.stderr, flush=True)


def _list_missing_heads(weights: Weights, variables: Mapping[str, Any]) -> list[str]:
    """List what pretraining needs and the checkpoint has nothing of."""
    missing = [
        head
        for head in _PRETRAINING_HEADS
        if not any(name.startswith(head) for name in weights.shapes)
    ]
    return [name for name in variables if name.startswith(tuple(missing))]


def _list_new_task(
    checkpoint: Checkpoint,
    weights: Weights,
    variables: Mapping[str, Any],
    *,
    labels: Sequence[str] | None,
) -> list[str]:
    """List the head's variables if the checkpoint is of another task."""
    head = [name for name in variables if not name.startswith(ENCODER)]
    has_head = bool(weights.shapes.keys() & head)
    has_labels = labels is None or tuple(labels) == checkpoint.labels
    return [] if has_head and has_labels else head


def _list_new_pooler(
    checkpoint: Checkpoint, variables: Mapping[str, Any], *, new_pooler: bool
) -> list[str]:
    if not new_pooler:
        raise InputError(
            f"{checkpoint.folder}: the model has no pooler, which a classifier needs; with "
            "--new-pooler true, one is drawn at random and trained"
        )
    return [name for name in variables if name.startswith(POOLER_SCOPE)]


def _report(
    checkpoint: Checkpoint,
    num_taken: int,
    new: Sequence[str],
    unused: Sequence[str],
    state: Sequence[str],
) -> str:
    lines = [f"{checkpoint.folder}: {num_taken} variables taken"]
    if checkpoint.ignored_fields:
        lines.append(f"  {checkpoint.ignored_fields}")
    if new:
        lines.append(f"  new, with random weights: {', '.join(new)}")
    if unused:
        lines.append(f"  not used: {', '.join(unused)}")
    if state:
        lines.append(f"  left out, of the training that made it: {', '.join(_group(state))}")
    return "\n".join(lines)


def _group(state: Sequence[str]) -> list[str]:
    """Name the slots of hundreds of variables once, with their number."""
    slots: dict[str, int] = {}
    for name in state:
        variable, _, slot = name.rpartition("/")
        key = f"*/{slot}" if variable else name
        slots[key] = slots.get(key, 0) + 1
    return [f"{name} ({count})" if count > 1 else name for name, count in slots.items()]
