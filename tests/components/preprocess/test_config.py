import subprocess
import sys
from pathlib import Path

import pytest

from components.preprocess.config import PreprocessConfig
from components.shared.errors import InputError


def make(**settings):
    return PreprocessConfig(
        dump_files=Path("d"), dataset=Path("o"), vocabulary=Path("v"), **settings
    )


def test_lengths_are_sorted_numbers():
    """The order in which lengths are given makes no difference."""
    assert make(sequence_lengths="512, 128,512").lengths() == (128, 512)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, {128: 20, 512: 80}),
        ({"sequence_lengths": "512"}, {512: 80}),
        ({"sequence_lengths": "512,128", "max_predictions": "76,19"}, {128: 19, 512: 76}),
        ({"mask_rate": 0.4}, {128: 60, 512: 220}),
        ({"sequence_lengths": "16"}, {16: 16}),
    ],
)
def test_predictions_follow_the_lengths(settings, expected):
    """One number for each length, given in its order or worked out."""
    assert make(**settings).predictions() == expected


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"sequence_lengths": "128;512"}, "whole numbers separated by commas, got '128;512'"),
        ({"sequence_lengths": "4,128"}, "at least 5 each"),
        ({"sequence_lengths": "128,99999999999"}, "at most 65536 each"),
        ({"max_document_mb": float("inf")}, "more than 0 and at most 1000000, got inf"),
        ({"format": "hdf5"}, "format must be one of packed, google, got 'hdf5'"),
        ({"sentence_splitter": "spacy"}, "must be one of sentencex, punkt, got 'spacy'"),
        ({"mask_rate": 0.0}, r"mask_rate must be between 0 and 1, got 0\.0; BERT uses 0\.15"),
        ({"max_predictions": "20"}, r"as many as sequence_lengths \(128,512\), got '20'"),
        ({"max_predictions": "20,x"}, "max_predictions must be whole numbers"),
        ({"max_predictions": "0,80"}, "at least 1 and at most the sequence length"),
        ({"short_sequence_rate": 1.5}, r"between 0 and 1, got 1\.5"),
        ({"vocabulary_size": 5}, "vocabulary_size must be from 100 to 1000000, got 5; BERT"),
        ({"vocabulary_size": 10**11}, "vocabulary_size must be from 100 to 1000000, got 1000"),
        ({"num_duplicates": 0}, "num_duplicates must be at least 1, got 0"),
        ({"num_shards": 0}, "num_shards must be at least 1"),
        ({"num_workers": -1}, "num_workers must be at least 0"),
        (
            {"beam_runner": "DaskRunner"},
            "beam_runner must be one of FnApiRunner, .*, got 'DaskRunner'",
        ),
    ],
)
def test_settings_that_cannot_work_are_rejected(settings, message):
    """A wrong setting is named with its value before any work."""
    with pytest.raises(InputError, match=message):
        make(**settings)


def test_help_shows_each_settings_docstring():
    """--help explains what a setting does."""
    shown = subprocess.run(
        [sys.executable, "-m", "components.preprocess", "--help"],
        capture_output=True,
        text=True,
        check=True,
    )

    assert "--num-duplicates" in shown.stdout
    assert "How many times each document is split" in shown.stdout
