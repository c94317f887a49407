"""Small inputs that are as they should be."""

import bz2
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PAGE = "<page><title>T{0}</title><ns>0</ns><revision><text>Text {0}.</text></revision></page>\n"
CONFIG = {
    "vocab_size": 9,
    "hidden_size": 8,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 16,
}
VOCABULARY = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nthe\n##s\n"


def make_export(num_pages: int = 3) -> bytes:
    """A MediaWiki export in plain XML."""
    head = "<mediawiki><siteinfo><dbname>testwiki</dbname></siteinfo>\n"
    pages = "".join(PAGE.format(number) for number in range(num_pages))
    return f"{head}{pages}</mediawiki>\n".encode()


def make_squad(num_articles: int = 2) -> dict[str, Any]:
    """A SQuAD 1.1 document with one question an article."""
    articles = []
    for number in range(num_articles):
        answer = {"text": f"T{number}", "answer_start": 0}
        question = {"id": f"q{number}", "question": "Which?", "answers": [answer]}
        paragraph = {"context": f"T{number} is here.", "qas": [question]}
        articles.append({"title": f"Article {number}", "paragraphs": [paragraph]})
    return {"version": "1.1", "data": articles}


@dataclass
class Inputs:
    """Good inputs on disk."""

    dump: Path
    squad: Path
    vocabulary: Path


def write_inputs(folder: Path) -> Inputs:
    """A dump of three pages, a SQuAD file of ten articles, a vocabulary."""
    folder.mkdir()
    made = Inputs(
        dump=folder / "testwiki-20260101-pages-articles.xml.bz2",
        squad=folder / "squad.json",
        vocabulary=folder / "vocab.txt",
    )
    made.dump.write_bytes(bz2.compress(make_export()))
    made.squad.write_text(json.dumps(make_squad(10)))
    made.vocabulary.write_text(VOCABULARY)
    return made


def make_dataset(folder: Path, vocabulary: Path) -> dict[str, bytes]:
    """A dataset made with a vocabulary, of shards that nobody reads here; its files."""
    files = {name: name.encode() * 9 for name in ("length-128/a.tfrecord", "held-out/a.tfrecord")}
    shards = [
        {"file": name, "num_rows": 1, "sha256": hashlib.sha256(content).hexdigest()}
        for name, content in files.items()
    ]
    manifest = {
        "format_version": 1,
        "vocabulary": {"sha256": hashlib.sha256(vocabulary.read_bytes()).hexdigest()},
        "lowercase": True,
        "lengths": {"128": {"shards": shards[:1]}},
        "held_out": {"128": {"shards": shards[1:]}},
    }
    files["dataset.json"] = json.dumps(manifest).encode()
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return files


def make_google_folder(folder: Path) -> Path:
    """The files of a checkpoint, with weights that nobody reads here."""
    folder.mkdir()
    (folder / "vocab.txt").write_text(VOCABULARY)
    (folder / "bert_config.json").write_text(json.dumps(CONFIG))
    (folder / "bert_model.ckpt.index").write_bytes(b"index")
    (folder / "bert_model.ckpt.data-00000-of-00001").write_bytes(b"weights" * 1000)
    (folder / "flax_model.msgpack").write_bytes(b"the same for another framework")
    return folder


def outputs(tmp_path: Path) -> list[str]:
    """Every file and folder there is in the outputs."""
    return sorted(str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*"))
