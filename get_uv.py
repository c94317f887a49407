"""Download uv, which makes all environments, to .tools/uv.

Runs on Python 3.8 or later and needs no package: Debian's Python has neither pip nor venv.
uv.lock names the wheel by its SHA-256. Where a package index is configured for uv or pip,
the wheel comes from there.
"""

from __future__ import annotations

import sys

try:
    import configparser
    import hashlib
    import html.parser
    import http.client
    import io
    import json
    import netrc
    import os
    import platform
    import re
    import ssl  # noqa: F401 - urllib needs it for https://
    import urllib.parse
    import urllib.request
    import zipfile
    import zlib  # noqa: F401 - zipfile needs it
    from pathlib import Path
except ImportError as missing:
    # As in Debian's python3-minimal.
    sys.exit(f"{sys.executable} has no module {missing.name}; install all of Python's library")

_REPOSITORY = Path(__file__).resolve().parent
_TIMEOUT_SECONDS = 60
# The simple repository API: PEP 691 where the index has it, or else PEP 503.
_ACCEPT = "application/vnd.pypi.simple.v1+json, text/html;q=0.5"
CONTAINER = """\
Run it in a container, from this folder:
    docker build --platform linux/amd64 --tag kubeflow-bert-dev .devcontainer
    docker run --rm -it --platform linux/amd64 -v "$PWD:/work" kubeflow-bert-dev make demo
or open the folder in an editor that supports .devcontainer/devcontainer.json."""


class SetupError(Exception):
    """Setting up failed; the message says why, and what to do."""


def main() -> None:
    """Install uv, or end with one error message."""
    try:
        install()
    except SetupError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit("interrupted; run the same command again")


def install() -> Path:
    """Return the path of uv in the version that uv.lock names, downloading it where it is missing.

    Raises:
        SetupError: if this system is unsupported, or uv can't be downloaded or written.
    """
    _require_supported_system()
    version, url, sha256 = _read_lock()
    try:
        target = _REPOSITORY / ".tools" / f"uv-{version}"
        if not target.exists():
            print(f"Downloading uv {version}", flush=True)
            _unpack(_download(url, sha256), target)
        _link(_REPOSITORY / ".tools" / "uv", target.name)
    except OSError as error:
        raise SetupError(f"uv can't be written to {_REPOSITORY / '.tools'}: {error}") from None
    return target


def find_index() -> str:
    """Return the URL of the package index configured for uv or pip, or an empty string."""
    for name in ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL"):
        if os.environ.get(name):
            # uv allows a name before the URL: company=https://…
            return re.sub(r"^[\w.-]+=", "", os.environ[name].strip())
    home = Path(os.path.expanduser("~"))
    files = [Path("/etc/pip.conf"), home / ".pip" / "pip.conf", home / ".config/pip/pip.conf"]
    config = configparser.RawConfigParser(strict=False)
    try:
        config.read([*files, Path(os.environ.get("PIP_CONFIG_FILE", os.devnull))], "utf-8")
    except (configparser.Error, UnicodeDecodeError):
        return ""
    return config.get("global", "index-url", fallback="").strip()


def _require_supported_system() -> None:
    if sys.version_info < (3, 8):  # noqa: UP036
        raise SetupError(f"Python 3.8 or later is required, got {platform.python_version()}")
    libc = platform.libc_ver()[0] or "another C library"
    if (sys.platform, platform.machine(), libc) != ("linux", "x86_64", "glibc"):
        raise SetupError(
            "TensorFlow and Horovod are locked for Linux on x86-64 with glibc; this is "
            f"{platform.system()} on {platform.machine()}"
            f"{' with ' + libc if sys.platform == 'linux' else ''}.\n{CONTAINER}"
        )


def _read_lock() -> tuple[str, str, str]:
    """Return uv's version, and the URL and SHA-256 of its wheel for this system."""
    lock = _REPOSITORY / "uv.lock"
    try:
        # tomllib came with Python 3.11.
        found = re.search(
            r'^name = "uv"\nversion = "([^"]+)"\n.*?'
            r'url = "([^"]+/uv-\1-[^"]*manylinux[^"]*_x86_64\.whl)", '
            r'hash = "sha256:([0-9a-f]{64})"',
            lock.read_text("utf-8"),
            re.MULTILINE | re.DOTALL,
        )
    except (OSError, UnicodeDecodeError) as error:
        raise SetupError(f"{lock} can't be read: {error}") from None
    if not found:
        raise SetupError(f"{lock} names no wheel of uv; restore it from git")
    version, url, sha256 = found.groups()
    return version, url, sha256


def _download(url: str, sha256: str) -> bytes:
    """Return the content of uv's wheel, from the configured index or else the lock's URL."""
    opener, index = _sign_in(find_index())
    wheel = url.rpartition("/")[2]
    try:
        if index:
            url = _find_in_index(opener, index, wheel)
        with opener.open(url, timeout=_TIMEOUT_SECONDS) as response:
            content = response.read()
    except (KeyError, TypeError, json.JSONDecodeError):
        raise SetupError(f"{index} does not answer as a package index (PEP 503, PEP 691)") from None
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise SetupError(
            f"{index or url} can't be read: {error}. Check the network: HTTPS_PROXY names a proxy, "
            "SSL_CERT_FILE your own certificate authority (or install ca-certificates), "
            "UV_DEFAULT_INDEX a package index"
        ) from None
    if hashlib.sha256(content).hexdigest() != sha256:
        # Without the URL that an index gives, which may be a signed one.
        raise SetupError(
            f"{wheel} has another SHA-256 than uv.lock names: the download is damaged, or "
            f"{index or url} serves another file"
        )
    return content


def _sign_in(index: str) -> tuple[urllib.request.OpenerDirector, str]:
    """Return an opener that signs in to the index, and the index's URL without credentials."""
    passwords = urllib.request.HTTPPasswordMgrWithPriorAuth()
    opener = urllib.request.build_opener(urllib.request.HTTPBasicAuthHandler(passwords))
    if not index:
        return opener, ""
    try:
        parts = urllib.parse.urlsplit(index)
        user, password = parts.username, parts.password
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError
    except ValueError:
        # The value may hold a password.
        raise SetupError(
            "the package index (UV_DEFAULT_INDEX, PIP_INDEX_URL or pip.conf) must be a URL that "
            "starts with https:// or http://"
        ) from None
    if user is None:
        try:
            found = netrc.netrc(os.environ.get("NETRC")).authenticators(parts.hostname)
        except (OSError, netrc.NetrcParseError):
            found = None
        if found:
            user, password = found[0], found[2]
    index = _without_credentials(index)
    if user is not None:
        # Sent to the index's host alone: a redirect to another does not get it.
        root = urllib.parse.urlunsplit(urllib.parse.urlsplit(index)._replace(path="", query=""))
        user, password = (urllib.parse.unquote(value or "") for value in (user, password))
        passwords.add_password(None, root, user, password, is_authenticated=True)
    return opener, index


def _without_credentials(url: str) -> str:
    parts = urllib.parse.urlsplit(url)
    return urllib.parse.urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _find_in_index(opener: urllib.request.OpenerDirector, index: str, wheel: str) -> str:
    """Return the URL at which the index has uv's wheel."""
    request = urllib.request.Request(f"{index.rstrip('/')}/uv/", headers={"Accept": _ACCEPT})  # noqa: S310
    with opener.open(request, timeout=_TIMEOUT_SECONDS) as response:
        page = response.read().decode("utf-8", "replace")
        page_url = response.geturl()
        is_json = response.headers.get_content_type().endswith("json")
    links = [file["url"] for file in json.loads(page)["files"]] if is_json else _Links(page).urls
    for link in links:
        url = urllib.parse.urljoin(page_url, link).partition("#")[0]
        if urllib.parse.unquote(url.rpartition("/")[2]) == wheel:
            return url
    raise SetupError(f"the package index {index} does not have {wheel}; mirror it there")


class _Links(html.parser.HTMLParser):
    """The targets of a page's links."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.urls: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.urls.append(dict(attrs).get("href") or "")


def _unpack(wheel: bytes, target: Path) -> None:
    """Write uv's program to `target`, whole or not at all."""
    with zipfile.ZipFile(io.BytesIO(wheel)) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith("/scripts/uv"))
        program = archive.read(name)
    target.parent.mkdir(exist_ok=True)
    scratch = target.with_name(f"{target.name}.{os.getpid()}.part")
    try:
        scratch.write_bytes(program)
        scratch.chmod(0o755)
        scratch.rename(target)
    except BaseException:
        if scratch.exists():
            scratch.unlink()
        raise


def _link(link: Path, name: str) -> None:
    if link.is_symlink() and os.readlink(str(link)) == name:
        return
    scratch = link.with_name(f"{link.name}.{os.getpid()}.part")
    scratch.symlink_to(name)
    scratch.replace(link)


if __name__ == "__main__":
    main()
