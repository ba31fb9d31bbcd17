"""What several tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def _folder(variable: str, default: Path) -> Path:
    return Path(os.environ.get(variable, default))


SHARED = _folder("TEXTENVS_SHARED", ROOT.parent / "shared")
DATA = _folder("TEXTENVS_DATA", SHARED / "data")


@pytest.fixture
def golden() -> Path:
    """The recorded captions of the published systems, which are no part of this project."""
    folder = SHARED / "golden"
    if not folder.is_dir():
        pytest.skip(f"{folder} is missing: no recorded captions to compare with")
    return folder


@pytest.fixture
def published_data() -> Path:
    """Data of the published systems, which are no part of this project."""
    if not DATA.is_dir():
        pytest.skip(f"{DATA} is missing: no published data to compare with")
    return DATA
