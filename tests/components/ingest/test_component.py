"""The ingest stage as Kubeflow sees it."""

import dataclasses

from components.ingest.component import ingest
from components.ingest.config import IngestConfig
from components.shared.stage.settings import list_settings


def test_the_signature_repeats_the_config():
    """Same names, same defaults; artifacts are the fields that are paths."""
    fields = {field.name: field for field in dataclasses.fields(IngestConfig)}
    spec = ingest.component_spec

    assert set(spec.inputs) | set(spec.outputs) == set(fields)
    assert set(spec.outputs) == {
        name for name, setting in list_settings(IngestConfig).items() if setting.is_path
    }
    for name, declared in spec.inputs.items():
        has_default = fields[name].default is not dataclasses.MISSING
        assert declared.default == (fields[name].default if has_default else None)


def test_every_parameter_is_described_for_the_user_interface():
    """Kubeflow takes the descriptions from the docstring."""
    parameters = ingest.pipeline_spec.root.input_definitions.parameters

    assert set(parameters) == set(ingest.component_spec.inputs)
    assert all(parameter.description for parameter in parameters.values())
