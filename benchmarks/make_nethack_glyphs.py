"""Regenerate the table of NetHack's names from the installed nle.

    python benchmarks/make_nethack_glyphs.py [--output FILE]

The captioner of NetHack imports no simulator: what it needs to know of NetHack's monsters, objects
and glyph numbers is read here, once, and shipped as a small JSON file.
"""

from __future__ import annotations

import argparse
import ctypes
import json
from pathlib import Path
from typing import Any

DATA = Path(__file__).parents[1] / "src/textenvs/captioners/data/nethack_glyphs.json"

_OFFSETS = {
    "monster": "GLYPH_MON_OFF",
    "pet": "GLYPH_PET_OFF",
    "invisible": "GLYPH_INVIS_OFF",
    "detected": "GLYPH_DETECT_OFF",
    "corpse": "GLYPH_BODY_OFF",
    "ridden": "GLYPH_RIDDEN_OFF",
    "object": "GLYPH_OBJ_OFF",
    "cmap": "GLYPH_CMAP_OFF",
    "explosion": "GLYPH_EXPLODE_OFF",
    "zap": "GLYPH_ZAP_OFF",
    "swallow": "GLYPH_SWALLOW_OFF",
    "warning": "GLYPH_WARNING_OFF",
    "statue": "GLYPH_STATUE_OFF",
    "end": "MAX_GLYPH",
}


class _WarningSymbol(ctypes.Structure):
    """An entry of NetHack's ``def_warnsyms``, which nle's Python module leaves out."""

    _fields_ = (
        ("sym", ctypes.c_ubyte),
        ("explanation", ctypes.c_char_p),
        ("color", ctypes.c_ubyte),
    )


def read_table() -> dict[str, Any]:
    """Read offsets of the glyph ranges, monsters, objects and warnings from nle.

    Returns:
        ``offsets`` (range -> first glyph), ``monsters`` (names), ``objects`` ([class, name,
        appearance] in the order of the source, before any shuffling) and ``warnings`` (texts).
    """
    import nle
    import nle.nethack

    nethack: Any = nle.nethack  # its names come from a compiled module
    library = ctypes.CDLL(str(Path(nle.__file__).with_name("libnethack.so")))
    warnings = (_WarningSymbol * nethack.WARNCOUNT).in_dll(library, "def_warnsyms")
    objects = []
    for index in range(nethack.NUM_OBJECTS):
        words = nethack.objdescr.from_idx(index)
        kind = nethack.objclass(index).oc_class
        number = ord(kind) if isinstance(kind, str) else kind
        objects.append([number, words.oc_name, words.oc_descr])
    return {
        "offsets": {key: getattr(nethack, name) for key, name in _OFFSETS.items()},
        "monsters": [nethack.permonst(i).mname for i in range(nethack.NUMMONS)],
        "objects": objects,
        "warnings": [warning.explanation.decode("ascii") for warning in warnings],
    }


def render(table: dict[str, Any]) -> str:
    """Write the table as JSON, a line a section, so that a change of one name is a small diff."""
    lines = [f"{json.dumps(key)}: {json.dumps(value)}" for key, value in table.items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def main() -> None:
    """Write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=DATA)
    arguments = parser.parse_args()
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(render(read_table()), encoding="ascii")


if __name__ == "__main__":
    main()
