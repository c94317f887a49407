from pathlib import Path

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import DirectOptions, StandardOptions

from components.preprocess.beam.runner import count_workers, make_options, run_graph
from components.preprocess.config import PreprocessConfig
from components.shared.errors import InputError

GIB = 1 << 30


def make_config(**settings):
    return PreprocessConfig(
        dump_files=Path("d"), dataset=Path("o"), vocabulary=Path("v"), **settings
    )


def raise_input_error(_):
    raise InputError("dump.xml, byte 7: cut short; fetch it again")


def raise_other_error(_):
    raise ZeroDivisionError("ours")


def test_small_dump_is_read_in_one_process():
    """Starting processes would take longer than they save."""
    assert count_workers(make_config(num_workers=8), 1 << 20) == 1


def test_workers_are_those_asked_for_or_one_a_core():
    """0 stands for the cores that this process may use."""
    assert count_workers(make_config(num_workers=3), GIB) == 3
    assert count_workers(make_config(), GIB) >= 1


def test_runner_is_always_named():
    """Beam's own default would try to download a program."""
    options = make_options(make_config(), 1)

    assert options.view_as(StandardOptions).runner == "FnApiRunner"
    assert options.view_as(DirectOptions).direct_running_mode == "in_memory"


def test_several_workers_are_processes():
    """Threads would share one core."""
    options = make_options(make_config(), 4).view_as(DirectOptions)

    assert (options.direct_running_mode, options.direct_num_workers) == ("multi_processing", 4)


def test_users_options_win():
    """What a user gives to Beam goes before our choice."""
    config = make_config(beam_options="--direct_num_workers=2 --job_name='a b'")

    assert make_options(config, 4).view_as(DirectOptions).direct_num_workers == 2


def test_users_error_comes_out_of_the_graph_alone(capfd):
    """The message is not wrapped in Beam's own, nor logged besides."""
    with pytest.raises(InputError) as error:
        run_graph(
            make_options(make_config(), 1),
            lambda pipeline: pipeline | beam.Create([1]) | beam.Map(raise_input_error),
        )

    assert str(error.value) == "dump.xml, byte 7: cut short; fetch it again"
    assert capfd.readouterr().err == ""


def test_any_other_error_stays_as_it_is():
    """A fault of ours is not taken for a user's."""
    with pytest.raises(ZeroDivisionError, match="ours"):
        run_graph(
            make_options(make_config(), 1),
            lambda pipeline: pipeline | beam.Create([1]) | beam.Map(raise_other_error),
        )
