"""The server's settings are validated before a model is loaded."""

import socket

import onnx
import pytest

from components.serve.config import ServeConfig
from components.serve.run import run
from components.shared import openvino_engine
from components.shared.errors import InputError
from components.shared.openvino_engine import choose_precision


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"max_batch": 0}, "max_batch must be 1 or more, got 0"),
        ({"http_port": 70000}, "http_port must be 65535 or less, got 70000"),
        ({"grpc_port": 8080}, "http_port and grpc_port must differ, got 8080 for both"),
        ({"num_answers": 21}, "num_answers 21 is more than n_best_size 20"),
        (
            {"precision": "int4"},
            "precision must be one of auto, float32, bfloat16, float16, int8, got 'int4'",
        ),
        ({"model_name": "a/b"}, "model_name must be of letters, digits, - and _, got 'a/b'"),
    ],
)
def test_an_invalid_setting_is_rejected(settings, message):
    """Saying what is valid."""
    with pytest.raises(InputError, match=message):
        ServeConfig(model="model", **settings)


@pytest.mark.parametrize("name", ["http_port", "grpc_port"])
def test_a_port_in_use_is_told_before_a_model_is_loaded(name):
    """In one line; the model is not even looked for."""
    with socket.socket() as other:
        other.bind(("", 0))
        other.listen()
        port = other.getsockname()[1]
        config = ServeConfig(model="nowhere", **{"http_port": 33059, name: port})

        with pytest.raises(InputError, match=f"{name} {port}: address already in use; give"):
            run(config)


@pytest.mark.parametrize(
    ("vendor", "flags", "expected"),
    [
        ("GenuineIntel", "avx512_bf16 amx_bf16", "bfloat16"),
        ("GenuineIntel", "avx512_bf16 avx512_vnni", "float32"),
        ("AuthenticAMD", "avx512_bf16 avx512_vnni", "bfloat16"),
        ("AuthenticAMD", "avx2", "float32"),
    ],
)
def test_auto_is_the_fastest_precision_for_weights(vendor, flags, expected, monkeypatch, tmp_path):
    """Linux's description of the CPU says which that is."""
    path = tmp_path / "cpuinfo"
    text = f"vendor_id\t: {vendor}\nflags\t\t: fpu {flags}\nbugs\t\t:\n\n"
    path.write_text(text * 2, encoding="utf-8")
    monkeypatch.setattr(openvino_engine, "CPU_INFO", path)

    graph = onnx.ModelProto()
    assert choose_precision("auto", graph) == expected
    assert choose_precision("float32", graph) == "float32"
    with pytest.raises(InputError, match="precision int8: the model has no int8 graph"):
        choose_precision("int8", graph)
