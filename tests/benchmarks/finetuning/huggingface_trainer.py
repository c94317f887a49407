"""The peer in fine-tuning: transformers' Trainer, set up as its run_qa example does.

Runs in the environment of tests/huggingface, started by finetune.py. The speed is that of
windows padded to their full length, run_qa's default.
"""

import argparse
import json
import os
import tempfile
from pathlib import Path
from typing import Any

import torch
from transformers import (
    AutoTokenizer,
    BertForQuestionAnswering,
    Trainer,
    TrainingArguments,
    default_data_collator,
)

from tests.benchmarks.measuring.workers import serve
from tests.huggingface.answers import answer
from tests.huggingface.questions import Question, read_questions
from tests.huggingface.run_qa import Feature, cut_by_overlap, find_label

_MAX_LENGTH, _STRIDE = 384, 128


def cut(tokenizer: Any, questions: list[Question]) -> list[Feature]:
    """run_qa's windows."""
    pairs = [(question.question, question.context) for question in questions]
    return cut_by_overlap(tokenizer, pairs, max_length=_MAX_LENGTH, stride=_STRIDE)


def make_rows(features: list[Feature], questions: list[Question] | None) -> list[dict[str, Any]]:
    """What Trainer takes; with labels, where there are questions."""
    rows = []
    for feature in features:
        row = {
            "input_ids": torch.tensor(feature.token_ids),
            "token_type_ids": torch.tensor(feature.segment_ids),
            "attention_mask": (torch.arange(_MAX_LENGTH) < feature.length).long(),
        }
        if questions:
            question = questions[feature.question]
            start, end = find_label(feature, question.answer_start, question.answer)
            row |= {"start_positions": torch.tensor(start), "end_positions": torch.tensor(end)}
        rows.append(row)
    return rows


def make_trainer(
    arguments: argparse.Namespace,
    rows: list[dict[str, Any]],
    *,
    seed: int = 1,
    data_collator: Any = default_data_collator,
    **settings: Any,
) -> Trainer:
    """A Trainer with the optimizer that this project's adamw is: decay, epsilon, clipping."""
    model = BertForQuestionAnswering.from_pretrained(arguments.model)
    return Trainer(
        model=model,
        args=TrainingArguments(
            output_dir=tempfile.gettempdir(),
            per_device_train_batch_size=arguments.batch_size,
            per_device_eval_batch_size=arguments.prediction_batch_size,
            learning_rate=arguments.learning_rate,
            warmup_steps=0,
            weight_decay=0.01,
            adam_epsilon=1e-6,
            max_grad_norm=1.0,
            lr_scheduler_type="linear",
            bf16=arguments.precision == "mixed_bfloat16",
            use_cpu=True,
            seed=seed,
            save_strategy="no",
            logging_strategy="no",
            report_to="none",
            disable_tqdm=True,
            **settings,
        ),
        train_dataset=rows,
        data_collator=data_collator,
    )


def fine_tune(arguments: argparse.Namespace) -> None:
    """Train with each seed, and write the answers to a SQuAD file's questions.

    Batches are padded to their longest window, run_qa's `--pad_to_max_length false`: what is
    learned is the same but for padding's share of the softmax, in half the time.
    """
    tokenizer = AutoTokenizer.from_pretrained(arguments.model)
    questions, asked = read_questions(arguments.train), read_questions(arguments.answer)
    rows = make_rows(cut(tokenizer, questions), questions)
    features = cut(tokenizer, asked)
    to_answer = make_rows(features, None)
    for seed, output in zip(arguments.seeds, arguments.predictions, strict=True):
        trainer = make_trainer(
            arguments,
            rows,
            num_train_epochs=arguments.num_epochs,
            seed=seed,
            data_collator=trim,
        )
        trainer.train()
        starts, ends = trainer.predict(to_answer).predictions
        answers = answer(asked, features, list(zip(starts, ends, strict=True)))
        output.write_text(json.dumps(answers), encoding="utf-8")


def trim(rows: list[dict[str, Any]]) -> dict[str, torch.Tensor]:
    """A batch without what is padding in all its rows."""
    batch = default_data_collator(rows)
    longest = int(batch["attention_mask"].sum(1).max())
    return {name: value[:, :longest] if value.dim() > 1 else value for name, value in batch.items()}


def serve_speed(arguments: argparse.Namespace) -> None:
    """Offer a few updates, and the scoring of a few windows."""
    tokenizer = AutoTokenizer.from_pretrained(arguments.model)
    questions = read_questions(arguments.train)
    rows = make_rows(cut(tokenizer, questions), questions)
    trainer = make_trainer(arguments, rows, max_steps=arguments.num_updates)
    asked = read_questions(arguments.answer)
    to_score = make_rows(cut(tokenizer, asked), None)
    facts = {
        "num_trained": arguments.num_updates * arguments.batch_size,
        "num_questions": len(asked),
        "num_windows": len(to_score),
        "version": f"PyTorch {torch.__version__}",
    }
    serve(facts, {"train": trainer.train, "predict": lambda: trainer.predict(to_score)})


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("fine-tune", "speed"))
    parser.add_argument("--model", type=Path, required=True, help="exported for transformers")
    parser.add_argument("--train", type=Path, required=True, help="SQuAD file")
    parser.add_argument("--answer", type=Path, required=True, help="SQuAD file")
    parser.add_argument("--seeds", type=int, nargs="*", default=[])
    parser.add_argument("--predictions", type=Path, nargs="*", default=[], help="one a seed")
    parser.add_argument("--precision", default="float32")
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--prediction-batch-size", type=int, default=32)
    parser.add_argument("--learning-rate", type=float, default=1e-4)
    parser.add_argument("--num-epochs", type=float, default=2)
    parser.add_argument("--num-updates", type=int, default=6)
    arguments = parser.parse_args()
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    (fine_tune if arguments.what == "fine-tune" else serve_speed)(arguments)


if __name__ == "__main__":
    main()
