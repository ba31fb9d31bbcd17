"""``textenvs doctor``: what is installed, what is missing, and the line that installs it."""

from __future__ import annotations

import argparse
import platform
import re
from importlib.metadata import PackageNotFoundError, requires, version

__all__ = ["run"]

_REQUIREMENT = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)(?P<rest>[^;]*)(?:;(?P<marker>.*))?$")
_EXTRA = re.compile(r"extra\s*==\s*['\"](?P<extra>[^'\"]+)['\"]")
_NOT_FOR_USERS = ("all", "dev")


def run(options: argparse.Namespace) -> int:
    """Print the packages of textenvs and of each extra."""
    print(f"Python {platform.python_version()} on {platform.system()} {platform.machine()}")
    for name in ("textenvs", "gymnasium", "numpy"):
        print(f"  {name} {version(name)}")
    for extra, packages in _extras().items():
        found = {package: _version(package) for package in packages}
        missing = [package for package, number in found.items() if number is None]
        state = "missing" if missing else "installed"
        print(f"{extra}: {state}")
        for package, number in found.items():
            print(f"  {package} {number or 'is not installed'}")
        if missing:
            print(f'  pip install "textenvs[{extra}]"')
    return 0


def _extras() -> dict[str, list[str]]:
    """The packages that each extra asks for, from the metadata of the installed textenvs."""
    extras: dict[str, list[str]] = {}
    for requirement in requires("textenvs") or []:
        match = _REQUIREMENT.match(requirement)
        extra = _EXTRA.search(match["marker"] or "") if match else None
        if match is None or extra is None or extra["extra"] in _NOT_FOR_USERS:
            continue
        if match["name"] != "textenvs":
            extras.setdefault(extra["extra"], []).append(match["name"])
    return extras


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
