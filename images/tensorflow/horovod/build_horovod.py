"""Build backend (PEP 517) for Horovod 0.28.1, its last release.

That release compiles neither with gcc 13 or later nor against TensorFlow 2.20 or later. The
backend downloads its source distribution from the configured package index, verifies the
SHA-256, applies `CHANGES`, and hands over to Horovod's own build with setuptools and CMake.

With HOROVOD_GPU_OPERATIONS=NCCL it builds for NVIDIA GPUs: nvcc comes from
HOROVOD_CUDA_HOME, NCCL from the wheel that TensorFlow depends on.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
import tomllib
from collections.abc import Mapping
from contextlib import chdir
from pathlib import Path
from typing import Any, NamedTuple

_VERSION = "0.28.1"
_SHA256 = "92a43f5a94c43907a56805bad15f19700c62ffc83b7ca483f9e104e229f67ef0"
# cmake and setuptools build it, pip downloads it. The rest of its own dependencies: its setup.py
# has setuptools install what of these is missing.
_TOOLS = ("cmake", "setuptools", "pip", "cloudpickle", "packaging", "psutil", "pyyaml")
_SETTINGS = {
    "HOROVOD_WITH_TENSORFLOW": "1",
    "HOROVOD_WITHOUT_PYTORCH": "1",
    "HOROVOD_WITHOUT_MXNET": "1",
    # Gloo alone: mpirun can start the ranks, but MPI moves no tensors.
    "HOROVOD_WITH_GLOO": "1",
    "HOROVOD_WITHOUT_MPI": "1",
}
# From gcc 13 on, fewer of the standard headers include one another, and Horovod names too few
# of those it needs. -w: its warnings would bury an error.
_COMPILER_FLAGS = "-include string -include stdexcept -include cstdint -w"
# Compute capabilities of V100, A100, and H100 and H200.
_GPU_SETTINGS = {"HOROVOD_BUILD_CUDA_CC_LIST": "70,80,90", "HOROVOD_NCCL_LINK": "SHARED"}


class Change(NamedTuple):
    """One edit of Horovod's sources; `pattern` must match exactly once."""

    file: str
    pattern: str
    replacement: str


CHANGES = (
    # gcc 14 rejects the assignment to a const member, although nothing calls it.
    Change(
        "third_party/flatbuffers/include/flatbuffers/stl_emulation.h",
        r"(span &operator=\(const span &other\))\s+FLATBUFFERS_NOEXCEPT \{[^}]*\}",
        r"\1 = default;",
    ),
    # Collectives inside XLA programs. TensorFlow's wheel lacks a header they include, and
    # this project calls none of them.
    Change(
        "horovod/tensorflow/CMakeLists.txt",
        r"list\(APPEND TF_SOURCES [^\n]*/xla_mpi_ops\.cc\"\)\n",
        "",
    ),
    # TensorFlow 2.21 no longer exports this function, which is only declared here.
    Change(
        "horovod/tensorflow/mpi_ops.cc",
        r"// Undef LOG macro from TensorFlow\n",
        "#if HAVE_CUDA\n"
        "GpuStreamHandle stream_executor::gpu::AsGpuStreamValue(Stream* stream) {\n"
        "  return static_cast<GpuStreamHandle>(stream->platform_specific_handle().stream);\n"
        "}\n"
        "#endif\n\n"
        r"\g<0>",
    ),
    # NCCL's library is in a wheel of its own, beside Horovod in site-packages.
    Change(
        "horovod/tensorflow/CMakeLists.txt",
        r"set_target_properties\(\$\{TF_TARGET_LIB\} PROPERTIES PREFIX \"\"\)\n",
        r"\g<0>set_target_properties(${TF_TARGET_LIB} PROPERTIES "
        r'BUILD_RPATH "$ORIGIN/../../nvidia/nccl/lib")' + "\n",
    ),
)


def get_requires_for_build_wheel(_config_settings: Any = None) -> list[str]:
    """Return the build's dependencies in the versions of uv.lock, whose hashes sync.py gives uv."""
    lock = tomllib.loads((Path(__file__).parent / "uv.lock").read_text("utf-8"))
    name_to_version = {package["name"]: package["version"] for package in lock["package"]}
    tensorflow, extra = (
        ("tensorflow", "[and-cuda]") if _builds_for_gpus() else ("tensorflow-cpu", "")
    )
    tools = [f"{name}=={name_to_version[name]}" for name in _TOOLS]
    return [*tools, f"{tensorflow}{extra}=={name_to_version[tensorflow]}"]


def build_wheel(
    wheel_directory: str, _config_settings: Any = None, _metadata_directory: str | None = None
) -> str:
    """Write Horovod's wheel to `wheel_directory` and return its file name.

    Compiling takes minutes, and uv keeps a build for one checkout only, so a wheel is kept
    in the user's cache and used again for the same compiler, Python and TensorFlow.

    Raises:
        SystemExit: naming what failed: the download, an edit, or the compiler.
    """
    cache = _cache_folder() / _build_key()
    wheels = list(cache.glob("*.whl"))
    if not wheels:
        with tempfile.TemporaryDirectory(prefix="horovod-") as scratch:
            wheel = _build(Path(scratch))
            cache.parent.mkdir(parents=True, exist_ok=True)
            # Two builds may run at once: the first to finish leaves its wheel.
            finished = Path(tempfile.mkdtemp(dir=cache.parent))
            shutil.copy2(wheel, finished)
            try:
                finished.rename(cache)
            except OSError:
                shutil.rmtree(finished)
        wheels = list(cache.glob("*.whl"))
    (wheel,) = wheels
    shutil.copy2(wheel, wheel_directory)
    return wheel.name


def _builds_for_gpus() -> bool:
    return os.environ.get("HOROVOD_GPU_OPERATIONS") == "NCCL"


def _cache_folder() -> Path:
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "kubeflow-bert" / "horovod"


def _build_key() -> str:
    """Return a name that changes with whatever the compiled wheel depends on."""
    compiler = subprocess.run(
        [os.environ.get("CXX", "c++"), "--version"], capture_output=True, text=True, check=False
    )
    horovod_settings = sorted(item for item in os.environ.items() if item[0].startswith("HOROVOD_"))
    folder = Path(__file__).parent
    sources = [(folder / name).read_text("utf-8") for name in (Path(__file__).name, "uv.lock")]
    parts = (sources, sys.version, compiler.stdout, horovod_settings)
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def _build(scratch: Path) -> Path:
    """Download, edit and compile Horovod in `scratch`; return the wheel."""
    # The form for a setup.py that imports the package beside it.
    from setuptools.build_meta import __legacy__ as setuptools_backend

    source = _unpack(_download(scratch), scratch)
    for change in CHANGES:
        _apply(change, source)
    os.environ.update(_SETTINGS)
    os.environ["CXXFLAGS"] = f"{_COMPILER_FLAGS} {os.environ.get('CXXFLAGS', '')}"
    os.environ.setdefault("MAKEFLAGS", f"-j{len(os.sched_getaffinity(0))}")
    if _builds_for_gpus():
        os.environ.update(_GPU_SETTINGS, **_nccl_settings(scratch))
    with chdir(source):
        name = setuptools_backend.build_wheel(str(scratch))
    return scratch / name


def _download(folder: Path) -> Path:
    """Let pip download the source distribution from the index that is configured for uv or pip."""
    requirement = folder / "requirement.txt"
    requirement.write_text(f"horovod=={_VERSION} --hash=sha256:{_SHA256}\n", "utf-8")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    command += ["--no-deps", "--no-binary=horovod", "--no-build-isolation", "--require-hashes"]
    command += [f"--dest={folder}", f"--requirement={requirement}"]
    try:
        subprocess.run(command, env={**os.environ, **_pip_index(os.environ)}, check=True)
    except subprocess.CalledProcessError:
        sys.exit(
            f"Horovod {_VERSION}'s source distribution could not be downloaded; pip's error is "
            "above. Check the network, or name a package index in UV_DEFAULT_INDEX"
        )
    return folder / f"horovod-{_VERSION}.tar.gz"


def _pip_index(environment: Mapping[str, str]) -> dict[str, str]:
    """Translate uv's settings of the package index to pip's."""
    names = {"PIP_INDEX_URL": ("UV_DEFAULT_INDEX", "UV_INDEX_URL")}
    names["PIP_EXTRA_INDEX_URL"] = ("UV_INDEX", "UV_EXTRA_INDEX_URL")
    translated = {}
    for pip_name, uv_names in names.items():
        # uv allows a name before each URL: company=https://…
        urls = [
            re.sub(r"^[\w-]+=", "", url)
            for uv_name in uv_names
            for url in environment.get(uv_name, "").split()
        ]
        if urls:
            translated[pip_name] = " ".join(urls)
    return translated


def _unpack(archive: Path, folder: Path) -> Path:
    with tarfile.open(archive) as tar:
        # extractall() has no argument for the filter in Debian 12's Python, 3.11.2.
        tar.extraction_filter = getattr(tarfile, "data_filter", None)
        tar.extractall(folder)  # noqa: S202 - verified by its SHA-256
    return folder / f"horovod-{_VERSION}"


def _apply(change: Change, source: Path) -> None:
    file = source / change.file
    text, num_matches = re.subn(change.pattern, change.replacement, file.read_text("utf-8"))
    if num_matches != 1:
        sys.exit(f"{change.file}: {change.pattern!r} matches {num_matches} times, expected once")
    file.write_text(text, "utf-8")


def _nccl_settings(scratch: Path) -> dict[str, str]:
    """Return where CMake finds NCCL: in its wheel, whose library lacks the linker's name."""
    nccl = Path(sysconfig.get_paths()["purelib"]) / "nvidia" / "nccl"
    libraries = scratch / "nccl"
    libraries.mkdir()
    (libraries / "libnccl.so").symlink_to(nccl / "lib" / "libnccl.so.2")
    return {"HOROVOD_NCCL_INCLUDE": str(nccl / "include"), "HOROVOD_NCCL_LIB": str(libraries)}
