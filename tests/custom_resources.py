"""Checks custom resources by their CRDs as the API server does, and refuses unknown fields."""

import functools
from pathlib import Path
from typing import Any

import jsonschema
import yaml

_FOLDER = Path(__file__).parent / "crds"


def find_faults(resource: dict[str, Any], *, crd: str) -> list[str]:
    """What is wrong with a resource, by the file of its CRD; nothing for a valid one."""
    validator = _make_validator(crd, resource["apiVersion"].rpartition("/")[2])
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(resource)]


@functools.cache
def _make_validator(crd: str, version: str) -> jsonschema.Draft202012Validator:
    definition = yaml.load((_FOLDER / crd).read_text("utf-8"), Loader=yaml.CSafeLoader)
    schemas = {entry["name"]: entry["schema"] for entry in definition["spec"]["versions"]}
    schema = _forbid_unknown(schemas[version]["openAPIV3Schema"])
    # The API server's own, which the CRD leaves open.
    schema["properties"]["metadata"] = {"type": "object"}
    return jsonschema.Draft202012Validator(schema)


def _forbid_unknown(schema: Any) -> Any:
    """The same schema, in which an object has the listed properties only."""
    if isinstance(schema, list):
        return [_forbid_unknown(entry) for entry in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {name: _forbid_unknown(entry) for name, entry in schema.items()}
    is_open = closed.get("x-kubernetes-preserve-unknown-fields")
    if isinstance(closed.get("properties"), dict) and "type" in closed and not is_open:
        closed.setdefault("additionalProperties", False)
    if closed.pop("x-kubernetes-int-or-string", False):
        closed.pop("type", None)
    return closed
