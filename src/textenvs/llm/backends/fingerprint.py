"""What tells one local model from another at the same path."""

from __future__ import annotations

import hashlib
from pathlib import Path

__all__ = ["fingerprint"]

_READ_WHOLE = 64 << 20  # bytes: adapters and small models
_BLOCKS, _BLOCK_BYTES = 512, 1 << 14  # of a larger file, spread evenly
_SUFFIXES = (".json", ".jinja", ".safetensors", ".bin", ".model", ".txt")


def fingerprint(folder: Path) -> str:
    """A hash of a model's folder, so that another one at the same path has other answers.

    Of large files their size and blocks all over them count, not their ends alone: training may
    leave the embeddings and the last norm, which lie there, as they were. Empty for what is no
    folder here, a name at a hub.
    """
    if not folder.is_dir():
        return ""
    found = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        if path.suffix in _SUFFIXES:
            size = path.stat().st_size
            found.update(f"{path.name} {size}\n".encode())
            with path.open("rb") as file:
                if size <= _READ_WHOLE:
                    found.update(file.read())
                    continue
                for block in range(_BLOCKS):
                    file.seek((size - _BLOCK_BYTES) * block // (_BLOCKS - 1))
                    found.update(file.read(_BLOCK_BYTES))
    return found.hexdigest()
