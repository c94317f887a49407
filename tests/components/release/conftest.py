"""The small model that answers questions rightly, for tests that quantize it."""

from tests.components.evaluate.int8.conftest import checkpoint, squad  # noqa: F401
