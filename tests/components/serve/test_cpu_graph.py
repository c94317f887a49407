"""A CPU computes int8 where it has instructions for it and the model a graph; else the weights."""

import json
import subprocess

import numpy as np
import pytest

from components.serve.config import ServeConfig
from components.serve.cpu_graph import choose_graph
from components.serve.releases import load
from components.shared import openvino_engine
from components.shared.checkpoints.description import INT8_FILE
from components.shared.errors import InputError
from components.shared.openvino_engine import Engine, find_int8_instructions
from tests.components.serve.conftest import REPOSITORY
from tests.components.serve.models import PIECES, write_model

EVALUATE = REPOSITORY / "images" / "evaluate" / ".venv" / "bin" / "python"
needs_nncf = pytest.mark.skipif(
    not EVALUATE.exists(), reason="needs the environment of images/evaluate"
)
FLAGS = "flags\t\t: fpu avx2 avx512f {}\nbugs\t\t: none\n"


@pytest.fixture(scope="module")
def quantized(tmp_path_factory):
    """A model with an int8 graph, as the pipelines' step writes it."""
    folder = tmp_path_factory.mktemp("quantized")
    rows = np.random.default_rng(1).choice(PIECES[5:16], (20, 24))
    paragraphs = [
        {
            "context": " ".join(row),
            "qas": [
                {
                    "id": str(number),
                    "question": "where is the cat",
                    "answers": [{"text": str(row[0]), "answer_start": 0}],
                }
            ],
        }
        for number, row in enumerate(rows)
    ]
    (folder / "squad").mkdir()
    text = json.dumps({"version": "1.1", "data": [{"title": "", "paragraphs": paragraphs}]})
    for name in ("train", "dev"):
        (folder / "squad" / f"{name}.json").write_text(text, encoding="utf-8")
    flags = {
        "checkpoint": write_model(folder / "model"),
        "squad": folder / "squad",
        "quantized-checkpoint": folder / "quantized",
        "quantize-metrics": folder / "metrics.json",
        "quantize-summary": folder / "summary.md",
        "max-length-tokens": 96,
        "max-f1-loss": 100,
    }
    words = [str(word) for name, value in flags.items() for word in (f"--{name}", value)]
    subprocess.run(
        [EVALUATE, "-m", "components.evaluate", "quantize", *words], cwd=REPOSITORY, check=True
    )
    return folder / "quantized"


@pytest.fixture
def cpu(monkeypatch, tmp_path):
    """Give this machine a CPU with other instructions."""

    def give(*flags):
        path = tmp_path / "cpuinfo"
        path.write_text(FLAGS.format(" ".join(flags)) * 2, encoding="utf-8")
        monkeypatch.setattr(openvino_engine, "CPU_INFO", path)

    return give


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ("avx_vnni avx512_vnni amx_bf16 amx_int8", "amx_int8"),
        ("avx_vnni avx512_vnni", "avx512_vnni"),
        ("avx_vnni", "avx_vnni"),
        ("avx512_bf16 amx_bf16", ""),
        ("", ""),
    ],
)
def test_instructions_for_int8_are_found(flags, expected, cpu):
    """In Linux's description of the CPUs; the fastest are named."""
    cpu(*flags.split())

    assert find_int8_instructions() == expected


def test_another_architecture_has_none_of_them(monkeypatch, tmp_path):
    """Its description has other fields."""
    path = tmp_path / "cpuinfo"
    path.write_text("Features\t: fp asimd asimddp i8mm\n", encoding="utf-8")
    monkeypatch.setattr(openvino_engine, "CPU_INFO", path)

    assert find_int8_instructions() == ""


@needs_nncf
@pytest.mark.slow
@pytest.mark.parametrize(
    ("flags", "wanted", "precision", "reason"),
    [
        (["avx_vnni"], "auto", "int8", f"{INT8_FILE}, as this CPU has avx_vnni"),
        ([], "auto", "float32", f"{INT8_FILE} needs VNNI or AMX, which this CPU lacks"),
        (["avx_vnni"], "float32", "float32", ""),
        (["avx_vnni"], "bfloat16", "bfloat16", ""),
        ([], "int8", "int8", ""),
    ],
)
def test_auto_takes_the_int8_graph_where_it_is_fastest(
    quantized, cpu, flags, wanted, precision, reason
):
    """What a person asks for, they get; answers are the weights' or nearly those."""
    cpu(*flags)
    ids = np.random.default_rng(2).integers(5, 16, (3, 40), dtype=np.int32)
    batch = {"token_ids": ids, "segment_ids": (np.arange(40) > 9) * np.ones_like(ids)}

    chosen = choose_graph(quantized, wanted)

    assert (chosen.precision, chosen.reason) == (precision, reason)
    operators = {node.op_type for node in chosen.graph.graph.node}
    assert ("QuantizeLinear" in operators) == (precision == "int8")
    got = Engine(chosen.graph, precision=chosen.precision, num_streams=1).run(batch)
    weights = choose_graph(quantized, "float32").graph
    expected = Engine(weights, precision="float32", num_streams=1).run(batch)
    for values, want in zip(got, expected, strict=True):
        assert np.corrcoef(values.ravel(), want.ravel())[0, 1] > 0.95


@needs_nncf
@pytest.mark.slow
def test_the_log_says_which_precision_and_why(quantized, cpu, capsys):
    """In the line on the loaded model."""
    cpu("avx512_vnni")

    load(quantized, "v1", ServeConfig(model="store", max_length_tokens=96))

    assert (
        f"serve: store v1: loaded, in int8 (auto: {INT8_FILE}, as this CPU has avx512_vnni) by "
        "OpenVINO on the CPU"
    ) in capsys.readouterr().out


@pytest.mark.parametrize(
    ("flags", "labels", "reason"),
    [
        (["amx_int8"], None, f"there is no {INT8_FILE}, which amx_int8 would compute faster"),
        ([], None, ""),
        (["amx_int8"], ["no", "yes"], ""),
    ],
)
def test_weights_alone_are_computed_as_they_are(tmp_path, cpu, flags, labels, reason):
    """The reason names int8 where the CPU and the task could have it."""
    cpu(*flags)
    folder = write_model(tmp_path / "model", labels=labels)

    chosen = choose_graph(folder, "auto")

    assert (chosen.precision, chosen.reason) == ("float32", reason)
    with pytest.raises(InputError, match="precision int8: the model has no int8 graph; `python"):
        choose_graph(folder, "int8")
