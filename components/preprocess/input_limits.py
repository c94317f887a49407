"""How much is read at once of what others wrote."""

from dataclasses import dataclass

from components.preprocess.config import PreprocessConfig

_MB = 1_000_000


@dataclass(frozen=True)
class Limits:
    """The bounds of the config in bytes."""

    document_bytes: int = int(PreprocessConfig.max_document_mb * _MB)
    max_expansion: float = PreprocessConfig.max_expansion

    @classmethod
    def of(cls, config: PreprocessConfig) -> "Limits":
        """Those of a config."""
        return cls(int(config.max_document_mb * _MB), config.max_expansion)


DEFAULT_LIMITS = Limits()
