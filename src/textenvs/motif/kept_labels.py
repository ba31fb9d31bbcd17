"""What the labels of a folder are of, so that others are never taken for them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from textenvs.traces import replace_file

__all__ = ["check_about"]

_FILE = "about.json"


def check_about(folder: Path, wanted: Mapping[str, Any]) -> None:
    """Keep what the labels of a folder are of, who gave them and to which question.

    Args:
        folder: of the labels.
        wanted: what they are to be of; JSON types.

    Raises:
        ValueError: if they are of something else.
    """
    path = folder / _FILE
    if not path.exists():
        replace_file(path, json.dumps(wanted, indent=1) + "\n")
        return
    found = json.loads(path.read_text(encoding="utf-8"))
    changed = [key for key in {**wanted, **found} if wanted.get(key) != found.get(key)]
    if changed:
        told = ", ".join(f"{key} {found.get(key)!r}, not {wanted.get(key)!r}" for key in changed)
        raise ValueError(
            f"{folder} has other labels ({told}): expected those, or another name or folder for "
            "these"
        )
