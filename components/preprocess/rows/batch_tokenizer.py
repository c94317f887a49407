"""Tokenizes much text at once, with NumPy.

Nearly all that stands between two spaces has been seen before. A loop that looks each such run up
in a dict takes most of the time of tokenizing; here tables in arrays find all those of a text
together.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from components.shared.tokens.tokenizer import ID_TYPE, WordPieceTokenizer

_SPACE, _NEWLINE = b" \n"
_BEHIND_RUN = re.compile(rb"[ \n]")
# Text that is looked up together: its arrays stay in a core's cache.
_CHUNK_BYTES = 1 << 18

_WORD_BYTES = 8
# Masks that keep the first 0 to 8 bytes of a word.
_WORD_MASKS = np.array([(1 << 8 * count) - 1 for count in range(_WORD_BYTES + 1)], np.uint64)
# Of each table, how many times 8 bytes a key has, and its slots as a power of 2. The first takes
# most runs of English, the second longer ones, of other scripts. Together 40 MB.
_TABLES = ((2, 20), (6, 17))
# Multipliers of the hash: large odd numbers.
_FACTORS = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F], np.uint64)
_POOL_SIZE = 1 << 21


class EncodedLines(NamedTuple):
    """Lines of text as word pieces."""

    piece_ids: np.ndarray
    """uint32: of all lines, one after another."""
    line_ends: np.ndarray
    """int64: where each line ends in piece_ids."""


class BatchTokenizer:
    """Encodes text as a `WordPieceTokenizer` does, in half the time."""

    def __init__(self, tokenizer: WordPieceTokenizer) -> None:
        """No run is known yet."""
        self._tokenizer = tokenizer
        self._forget_runs()

    def encode_lines(self, text: bytes) -> EncodedLines:
        r"""Encode UTF-8 text, each line of which ends with \n."""
        assert not text or text.endswith(b"\n")
        piece_ids, line_ends = [np.empty(0, ID_TYPE)], [np.empty(0, np.int64)]
        num_pieces = 0
        for chunk in _cut(text):
            encoded = self._encode_chunk(chunk)
            piece_ids.append(encoded.piece_ids)
            line_ends.append(encoded.line_ends + num_pieces)
            num_pieces += len(encoded.piece_ids)
        return EncodedLines(np.concatenate(piece_ids), np.concatenate(line_ends))

    def _forget_runs(self) -> None:
        self._pool = _Pool()
        encode = self._tokenizer.encode_run
        self._short, self._long = (_RunTable(*sizes, encode, self._pool) for sizes in _TABLES)

    def _encode_chunk(self, text: bytes) -> EncodedLines:
        if self._short.is_full or self._long.is_full:
            self._forget_runs()
        characters = np.frombuffer(text, np.uint8)
        run_ends = np.flatnonzero((characters == _SPACE) | (characters == _NEWLINE))
        run_starts = np.concatenate([[0], run_ends[:-1] + 1])
        runs = _Runs(text, run_starts, run_ends - run_starts)

        starts, sizes = self._short.find(runs)
        long = np.flatnonzero(runs.sizes > self._short.max_run_bytes)
        starts[long], sizes[long] = self._long.find(runs.choose(long))
        longest = np.flatnonzero(runs.sizes > self._long.max_run_bytes)
        known_end = self._pool.end
        encoded = [self._tokenizer.encode_run(run) for run in runs.choose(longest).decode()]
        starts[longest], sizes[longest] = self._pool.put(encoded)
        self._pool.end = known_end  # what lies behind it is read before the next chunk

        ends = np.cumsum(sizes)
        places = np.repeat(starts - (ends - sizes), sizes)
        places += np.arange(len(places))
        return EncodedLines(self._pool.ids[places], ends[characters[run_ends] == _NEWLINE])


class _Runs(NamedTuple):
    """The runs of bytes between spaces in a chunk of text."""

    text: bytes
    starts: np.ndarray
    sizes: np.ndarray
    """In bytes; 0 between two spaces."""

    def choose(self, indices: np.ndarray) -> "_Runs":
        """Return some of the runs."""
        return _Runs(self.text, self.starts[indices], self.sizes[indices])

    def decode(self) -> list[str]:
        """Return each run as text."""
        ends = self.starts + self.sizes
        return [
            self.text[start:end].decode()
            for start, end in zip(self.starts.tolist(), ends.tolist(), strict=True)
        ]

    def read_keys(self, num_words: int) -> list[np.ndarray]:
        """Return the bytes of each run as `num_words` arrays of uint64, padded with zeros."""
        # Overlapping words: one starts at each byte of the text.
        every = np.ndarray(len(self.text), "<u8", self.text + bytes(_WORD_BYTES), strides=(1,))
        keys = [every[self.starts] & _WORD_MASKS[np.minimum(self.sizes, _WORD_BYTES)]]
        for first in range(_WORD_BYTES, num_words * _WORD_BYTES, _WORD_BYTES):
            words = np.zeros_like(keys[0])
            longer = np.flatnonzero(self.sizes > first)
            sizes = np.minimum(self.sizes[longer] - first, _WORD_BYTES)
            words[longer] = every[self.starts[longer] + first] & _WORD_MASKS[sizes]
            keys.append(words)
        return keys


class _Pool:
    """The pieces of many runs, one after another."""

    def __init__(self) -> None:
        self.ids, self.end = np.empty(_POOL_SIZE, ID_TYPE), 0

    def put(self, encoded: Sequence[bytes]) -> tuple[np.ndarray, np.ndarray]:
        """Append the pieces of runs; return where those of each start, and their number."""
        ids = np.frombuffer(b"".join(encoded), ID_TYPE)
        start, self.end = self.end, self.end + len(ids)
        if self.end > len(self.ids):
            self.ids = np.concatenate([self.ids[:start], np.empty(self.end, ID_TYPE)])
        self.ids[start : self.end] = ids
        sizes = np.array([len(one) // ids.itemsize for one in encoded], np.int64)
        return start + np.cumsum(sizes) - sizes, sizes


class _RunTable:
    """A hash table with open addressing from runs to their pieces, filled as runs appear.

    A key is a run's bytes with zeros behind them. The tokenizer drops zeros, so all runs with
    the same key have the same pieces.
    """

    def __init__(
        self, num_words: int, slot_bits: int, encode: Callable[[str], bytes], pool: _Pool
    ) -> None:
        self.max_run_bytes = num_words * _WORD_BYTES
        self._encode, self._pool, self._slot_bits = encode, pool, slot_bits
        # The words of a key; where its pieces start in the pool, and how many they are, plus 1.
        # One array: what a look-up needs then lies in one line of the processor's cache, or two.
        self._slots = np.zeros((1 << slot_bits, num_words + 2), np.uint64)
        # Slot 0 belongs to the empty run, which has no pieces.
        self._slots[0, -1] = 1
        self._num_used = 1

    @property
    def is_full(self) -> bool:
        """Whether the table is half full; the other half has room for all runs of a chunk."""
        return self._num_used > len(self._slots) // 2

    def find(self, runs: _Runs) -> tuple[np.ndarray, np.ndarray]:
        """Return where the pieces of each run start in the pool, and their number.

        A run that is too long for the table has none.
        """
        is_short = runs.sizes <= self.max_run_bytes
        runs = runs._replace(sizes=np.where(is_short, runs.sizes, 0))
        keys = runs.read_keys(self._slots.shape[1] - 2)
        indices = self._hash(keys)
        found = self._slots.take(indices, axis=0)
        rest = np.flatnonzero(_differ(found, keys))
        while len(rest):
            is_used = found[rest, -1] > 0
            taken, wanted = rest[is_used], rest[~is_used]
            indices[taken] = (indices[taken] + 1) % len(self._slots)
            # If several runs want a slot, any of them may get it; equal ones find it there.
            self._slots[indices[wanted], -2] = wanted
            new = wanted[self._slots[indices[wanted], -2] == wanted]
            self._add(runs.choose(new), [words[new] for words in keys], indices[new])
            found[rest] = self._slots[indices[rest]]
            rest = rest[_differ(found[rest], [words[rest] for words in keys])]
        starts, sizes = found[:, -2:].T.astype(np.int64)
        return starts, sizes - 1

    def _hash(self, keys: Sequence[np.ndarray]) -> np.ndarray:
        """The slot for each key, 0 for the empty one."""
        mixed = np.zeros_like(keys[0])
        for words in keys:
            mixed = (mixed ^ words) * _FACTORS[0]
            mixed ^= mixed >> np.uint64(32)
        return (mixed * _FACTORS[1] >> np.uint64(64 - self._slot_bits)).astype(np.int64)

    def _add(self, runs: _Runs, keys: Sequence[np.ndarray], indices: np.ndarray) -> None:
        starts, sizes = self._pool.put([self._encode(run) for run in runs.decode()])
        for column, values in enumerate((*keys, starts, sizes + 1)):
            self._slots[indices, column] = values
        self._num_used += len(indices)


def _differ(slots: np.ndarray, keys: Sequence[np.ndarray]) -> np.ndarray:
    """Whether each slot has another key than that of its run."""
    differ = slots[:, 0] != keys[0]
    for column, words in enumerate(keys[1:], 1):
        differ |= slots[:, column] != words
    return differ


def _cut(text: bytes) -> Iterator[bytes]:
    """Cut a text behind spaces and lines."""
    start = 0
    while start < len(text):
        behind = _BEHIND_RUN.search(text, start + _CHUNK_BYTES)
        end = behind.end() if behind else len(text)
        yield text[start:end]
        start = end
