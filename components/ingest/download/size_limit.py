"""How large a file may be, and the setting that says so."""

from typing import NamedTuple

from components.shared.errors import InputError


class SizeLimit(NamedTuple):
    """The largest size of a kind of file."""

    setting: str
    value: float
    """What the setting is."""
    num_bytes: int

    def expect(self, num_bytes: int, label: str) -> None:
        """Reject a larger file.

        Raises:
            InputError: naming the file as `label` does, and the setting.
        """
        if num_bytes > self.num_bytes:
            raise InputError(
                f"{label}: more than {self.num_bytes} bytes, the limit that {self.setting} "
                f"{self.value:g} sets; give another file, or raise {self.setting}"
            )
