"""What a style of caption makes of a state."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

__all__ = ["Caption"]

_NO_PARTS: Mapping[str, Any] = MappingProxyType({})


class Caption(NamedTuple):
    """A text, and the named parts that a published system hands on beside it.

    Attributes:
        text: the observation.
        parts: what goes into ``info`` under its published name (BALROG's two contexts, GLAM's list
            of descriptions, the five texts of nle-language-wrapper).
    """

    text: str
    parts: Mapping[str, Any] = _NO_PARTS
