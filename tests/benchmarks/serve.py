"""The server against PyTorch's transformers and ONNX Runtime: `make bench-serve`.

The engines compute the same model of random weights, windows of 384 tokens without padding, in
turns. This project's has an int8 graph beside its weights, as a pipeline's `quantize` makes it.
What int8 costs in F1, random weights can't tell: pipelines/README.md has it of a fine-tuned model.
Then the server answers 16 clients at once, in turns with its engine alone on as many
windows in full batches: what HTTP, words and answers cost.
"""

import http.client
import json
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median, quantiles

from tests.benchmarks.measuring.other_work import OtherWork
from tests.benchmarks.measuring.report import Report, Table, make_parser
from tests.benchmarks.measuring.workers import Worker, take_turns

_REPOSITORY = Path(__file__).resolve().parent.parent.parent
_SERVE = _REPOSITORY / "images" / "serve" / ".venv" / "bin" / "python"
_EVALUATE = _REPOSITORY / "images" / "evaluate" / ".venv" / "bin" / "python"
_TORCH = _REPOSITORY / "tests" / "huggingface" / ".venv" / "bin" / "python"
_OURS, _OUR_MODULE = "this project", "tests.benchmarks.serving.this_project"
# Who, in which precision: interpreter and module.
_ENGINES = {
    (_OURS, "float32"): (_SERVE, _OUR_MODULE),
    (_OURS, "bfloat16"): (_SERVE, _OUR_MODULE),
    (_OURS, "auto"): (_SERVE, _OUR_MODULE),
    ("transformers", "float32"): (_TORCH, "tests.benchmarks.serving.pytorch"),
    ("transformers", "bfloat16"): (_TORCH, "tests.benchmarks.serving.pytorch"),
    ("ONNX Runtime", "float32"): (_EVALUATE, "tests.benchmarks.serving.onnx_runtime"),
    ("ONNX Runtime", "int8"): (_EVALUATE, "tests.benchmarks.serving.onnx_runtime"),
}
_LENGTH, _BATCH_SIZES = 384, (1, 8)
_NUM_CLIENTS, _MAX_BATCH = 16, 8
_NUM_QUERY_TOKENS, _NUM_SPECIAL_TOKENS = 20, 3


def compare_engines(report: Report, folder: Path, repeats: int) -> None:
    """Windows a second of all engines, at each batch size."""
    workers = {
        key: Worker(
            *(python, module, folder),
            *("--precision", key[1], "--length", _LENGTH),
            *("--batch-sizes", *_BATCH_SIZES),
        )
        for key, (python, module) in _ENGINES.items()
    }
    speeds: dict[tuple[str, str], dict[int, float]] = {key: {} for key in workers}
    with ExitStack() as stack:
        for worker in workers.values():
            stack.enter_context(worker)
        for size in _BATCH_SIZES:
            turns = [(worker, str(size)) for worker in workers.values()]
            for key, seconds in zip(workers, take_turns(turns, repeats), strict=True):
                speeds[key][size] = size / median(seconds)
    rows = [
        (engine, _name_precision(precision, workers[engine, precision]), *by_size.values())
        for (engine, precision), by_size in speeds.items()
    ]
    header = ("engine", "precision", *(f"batch {size}" for size in _BATCH_SIZES))
    note = _describe_int8(json.loads((folder / "quantize.json").read_text("utf-8")))
    report.tables.append(Table("windows of 384 tokens a second", header, rows, note))
    for size in _BATCH_SIZES:
        peers = {key: by_size[size] for key, by_size in speeds.items() if key[0] != _OURS}
        in_float32 = max(speed for (_, kind), speed in peers.items() if kind == "float32")
        own = speeds[_OURS, "float32"][size] / in_float32
        report.add(f"batch {size}: float32, to the best peer's", own, "times", goal=">= 1")
        chosen = speeds[_OURS, "auto"][size] / max(peers.values())
        name = f"batch {size}: precision auto, to the best peer in any"
        report.add(name, chosen, "times", goal=">= 1.5")


def _name_precision(wanted: str, worker: Worker) -> str:
    """Return the precision that was asked for, with the one that auto took."""
    return f"auto: {worker.facts['precision']}" if wanted == "auto" else wanted


def _describe_int8(metrics: dict[str, float]) -> str:
    """Return what the step that made the int8 graph found, and what that says."""
    return (
        f"quantize: {metrics['num_changed_answers']} of {metrics['num_questions']} answers differ "
        "in int8, of random weights; pipelines/README.md has what int8 costs a fine-tuned model"
    )


def quantize(folder: Path) -> None:
    """Write the model with its int8 graph to folder/quantized, as a pipeline's step does."""
    flags: dict[str, object] = {
        "checkpoint": folder / "model",
        "squad": folder / "squad",
        "quantized-checkpoint": folder / "quantized",
        "quantize-metrics": folder / "quantize.json",
        "quantize-summary": folder / "quantize.md",
        "max-length-tokens": _LENGTH,
        "max-f1-loss": 100,  # of random weights, F1 says nothing
    }
    words = [str(word) for name, value in flags.items() for word in (f"--{name}", value)]
    command = [str(_EVALUATE), "-m", "components.evaluate", "quantize", *words]
    subprocess.run(command, cwd=_REPOSITORY, check=True, stdout=subprocess.DEVNULL)


def compare_http(report: Report, folder: Path, repeats: int, num_requests: int) -> None:
    """Requests a second of 16 clients, next to the engine alone; the latencies of the clients."""
    engine = Worker(
        *(_SERVE, _OUR_MODULE, folder, "--length", _LENGTH, "--batch-sizes", _MAX_BATCH)
    )
    through, alone, latencies = [], [], []
    with engine, _running_server(folder) as port:
        _ask_all(port, _NUM_CLIENTS)  # warms up
        for _ in range(repeats):
            batches = [engine.measure(str(_MAX_BATCH)) for _ in range(num_requests // _MAX_BATCH)]
            alone.append(num_requests / sum(batches))
            started = time.perf_counter()
            latencies += _ask_all(port, num_requests)
            through.append(num_requests / (time.perf_counter() - started))
    report.add_median("requests of 16 clients, over HTTP", through, "a second")
    report.add_median("the engine alone, in batches of 8", alone, "a second")
    ratio = median(through) / median(alone)
    report.add("over HTTP, to the engine alone", ratio, "times", goal=">= 0.9")
    report.add("latency of a request, median", median(latencies), "s")
    report.add("latency of a request, p99", quantiles(latencies, n=100)[98], "s")


def _ask_all(port: int, num_requests: int) -> list[float]:
    """The latencies of requests from 16 clients."""
    num_context = _LENGTH - _NUM_QUERY_TOKENS - _NUM_SPECIAL_TOKENS
    body = json.dumps(
        {
            "instances": [
                {
                    "context": " ".join(f"word{number}" for number in range(num_context)),
                    "question": " ".join(f"word{number}" for number in range(_NUM_QUERY_TOKENS)),
                }
            ]
        }
    )

    def ask(share: int) -> list[float]:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
        latencies = []
        for _ in range(share):
            started = time.perf_counter()
            headers = {"content-type": "application/json"}
            connection.request("POST", "/v1/models/bert:predict", body, headers)
            response = connection.getresponse()
            text = response.read()
            assert response.status == 200, text
            latencies.append(time.perf_counter() - started)
        return latencies

    with ThreadPoolExecutor(_NUM_CLIENTS) as clients:
        shares = [num_requests // _NUM_CLIENTS] * _NUM_CLIENTS
        return [latency for some in clients.map(ask, shares) for latency in some]


@contextmanager
def _running_server(folder: Path) -> Iterator[int]:
    """A server of the model; gives its port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [_SERVE, "-m", "components.serve", "--model", folder / "quantized", "--grpc-port", 0]
    command += ["--http-port", port, "--max-batch", _MAX_BATCH, "--timeout-seconds", 600]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [*map(str, command)], cwd=_REPOSITORY, stdout=log, stderr=subprocess.STDOUT
        )
    try:
        while True:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except OSError:
                if process.poll() is not None:
                    raise RuntimeError((folder / "log").read_text("utf-8")) from None
                time.sleep(0.2)
        yield port
    finally:
        process.terminate()
        process.wait(60)


def main() -> None:
    """Measure, print a table, write it as JSON."""
    parser = make_parser("serve", __doc__)
    parser.add_argument("--preset", default="base", help="size of the model")
    parser.add_argument("--requests", type=int, default=64, help="in each turn over HTTP")
    arguments = parser.parse_args()
    report = Report(f"Serving BERT-{arguments.preset}, windows of {_LENGTH} tokens")
    others = OtherWork()
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        make = [_SERVE, "-m", _OUR_MODULE, folder, "--write", arguments.preset]
        subprocess.run([*map(str, make)], cwd=_REPOSITORY, check=True)
        quantize(folder)
        compare_engines(report, folder, arguments.repeats)
        compare_http(report, folder, arguments.repeats, arguments.requests)
    report.add("cores that other work took meanwhile", others.cores(), goal="< 0.1")
    report.finish(arguments.output)


if __name__ == "__main__":
    main()
