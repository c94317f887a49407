"""A tiny pretrained BERT as Hugging Face's libraries save one, made without them."""

import json
import random
import string
import struct
from pathlib import Path

_HIDDEN, _WIDE, _LAYERS, _POSITIONS = 16, 32, 1, 128
# Words are spelled out of these.
PIECES = (
    "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", ".", "?",
    *string.ascii_lowercase, *(f"##{letter}" for letter in string.ascii_lowercase),
    *string.digits, *(f"##{digit}" for digit in string.digits),
)  # fmt: skip


def write_huggingface_folder(folder: Path) -> Path:
    """Write config.json, vocab.txt and model.safetensors, with random weights."""
    folder.mkdir(parents=True)
    config = {
        "model_type": "bert",
        "vocab_size": len(PIECES),
        "hidden_size": _HIDDEN,
        "num_hidden_layers": _LAYERS,
        "num_attention_heads": 2,
        "intermediate_size": _WIDE,
        "max_position_embeddings": _POSITIONS,
    }
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    (folder / "vocab.txt").write_text("\n".join(PIECES) + "\n", encoding="utf-8")
    _write_safetensors(folder / "model.safetensors", _list_shapes())
    return folder


def _list_shapes() -> dict[str, tuple[int, ...]]:
    tables = {"word": len(PIECES), "position": _POSITIONS, "token_type": 2}
    shapes: dict[str, tuple[int, ...]] = {
        f"embeddings.{name}_embeddings.weight": (rows, _HIDDEN) for name, rows in tables.items()
    }
    dense = {"pooler.dense": (_HIDDEN, _HIDDEN)}
    norms = ["embeddings.LayerNorm"]
    for number in range(_LAYERS):
        layer = f"encoder.layer.{number}"
        dense |= {
            f"{layer}.attention.self.{name}": (_HIDDEN, _HIDDEN)
            for name in ("query", "key", "value")
        }
        dense |= {
            f"{layer}.attention.output.dense": (_HIDDEN, _HIDDEN),
            f"{layer}.intermediate.dense": (_WIDE, _HIDDEN),
            f"{layer}.output.dense": (_HIDDEN, _WIDE),
        }
        norms += [f"{layer}.attention.output.LayerNorm", f"{layer}.output.LayerNorm"]
    for name, (outputs, inputs) in dense.items():
        shapes |= {f"{name}.weight": (outputs, inputs), f"{name}.bias": (outputs,)}
    for name in norms:
        shapes |= {f"{name}.weight": (_HIDDEN,), f"{name}.bias": (_HIDDEN,)}
    return shapes


def _write_safetensors(path: Path, name_to_shape: dict[str, tuple[int, ...]]) -> None:
    """Write the format: the header's length, the header as JSON, the tensors' bytes."""
    generator = random.Random(1)
    header, body = {}, b""
    for name, shape in name_to_shape.items():
        count = shape[0] * (shape[1] if len(shape) > 1 else 1)
        if name.endswith("LayerNorm.weight"):
            values = [1.0] * count
        else:
            values = [generator.gauss(0, 0.02) for _ in range(count)]
        content = struct.pack(f"<{count}f", *values)
        offsets = [len(body), len(body) + len(content)]
        header[name] = {"dtype": "F32", "shape": list(shape), "data_offsets": offsets}
        body += content
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + body)
