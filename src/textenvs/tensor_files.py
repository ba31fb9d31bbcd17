"""Files of tensors, whole or not at all."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import torch

__all__ = ["save_tensors"]


def save_tensors(record: Any, path: Path) -> None:
    """Write what ``torch.load(path, weights_only=True)`` reads: a killed run leaves the old file.

    Args:
        record: tensors, and dicts, lists, numbers and texts around them.
        path: where it goes; its folder is made.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    held = io.BytesIO()
    torch.save(record, held)
    fresh = path.with_name(f"new-{path.name}")
    fresh.write_bytes(held.getvalue())
    os.replace(fresh, path)
