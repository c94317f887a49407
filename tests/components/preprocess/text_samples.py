"""Text files of every form and packing that the stage reads."""

import bz2
import gzip
import io
import json
import lzma
import random

import pyarrow
import pyarrow.parquet
import zstandard

PACK = {
    "": bytes,
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".zst": zstandard.compress,
    ".xz": lzma.compress,
}
_WORDS = ("the", "cat", "sat", "on", "a", "mat", "and", "saw", "two", "dogs", "run", "by", "red")


def make_texts(count, seed=1, num_sentences=20):
    """Texts of made-up sentences, all different."""
    rng = random.Random(seed)
    return [
        " ".join(
            " ".join(rng.choices(_WORDS, k=6)).capitalize() + "." for _ in range(num_sentences)
        )
        for _ in range(count)
    ]


def write_everything(folder, texts):
    """Write each text into one of fifteen files: three forms, packed in five ways."""
    forms = {"txt": _write_txt, "jsonl": _write_jsonl, "parquet": _write_parquet}
    files = [(form, ending) for form in forms for ending in PACK]
    for number, (form, ending) in enumerate(files):
        content = forms[form](texts[number :: len(files)])
        (folder / f"{number:02}.{form}{ending}").write_bytes(PACK[ending](content))


def _write_txt(texts):
    return "\n\n".join(texts).encode()


def _write_jsonl(texts):
    return "".join(json.dumps({"text": text}) + "\n" for text in texts).encode()


def _write_parquet(texts):
    file = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table({"text": texts}), file, row_group_size=2)
    return file.getvalue()
