"""What tells one local model from another at the same path."""

from __future__ import annotations

import hashlib
from pathlib import Path

__all__ = ["fingerprint"]

_SAMPLED_BYTES = 1 << 20  # of each end of a file of weights
_SUFFIXES = (".json", ".jinja", ".safetensors", ".bin", ".model", ".txt")


def fingerprint(folder: Path) -> str:
    """A hash of a model's folder, so that another one at the same path has other answers.

    Of large files their size and both ends count: training changes them all. Empty for what is no
    folder here, a name at a hub.
    """
    if not folder.is_dir():
        return ""
    found = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        if path.suffix in _SUFFIXES:
            found.update(f"{path.name} {path.stat().st_size}\n".encode())
            with path.open("rb") as file:
                found.update(file.read(_SAMPLED_BYTES))
                if path.stat().st_size > 2 * _SAMPLED_BYTES:
                    file.seek(-_SAMPLED_BYTES, 2)
                found.update(file.read(_SAMPLED_BYTES))
    return found.hexdigest()
