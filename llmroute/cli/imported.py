"""The host's own checks, imported from a module that the command line names."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any

from ..config.primitives import did_you_mean, printable, type_words
from .console import UsageError

_EXAMPLE = '{"acme.no_secrets": no_secrets}'


def imported_checks(names: Sequence[str]) -> Mapping[str, Any]:
    """The checks of every `--checks MODULE:NAME`, as `Router(checks=...)` takes them. Raises UsageError."""
    made: dict[str, Any] = {}
    for name in names:
        option = f"--checks {printable(name)}"
        for id_, check in _mapping(name, option).items():
            if made.setdefault(id_, check) is not check:
                text = f"{printable(str(id_))} stands in another --checks too, with another function"
                raise UsageError(f"{option}: {text}; rename one of them")
    return made


def _mapping(name: str, option: str) -> Mapping[Any, Any]:
    path, colon, member = name.rpartition(":")
    if not colon or not member or not all(path.split(".")):
        raise UsageError(f"{option}: expected MODULE:NAME, such as acme.guards:CHECKS")
    found = _member(_module(path, option), member, option)
    if not isinstance(found, Mapping):
        text = f"expected a mapping of check ids to functions, such as {_EXAMPLE}"
        raise UsageError(f"{option}: {text}, got {type_words(found)}")
    return found


def _module(path: str, option: str) -> ModuleType:
    """The module by its dotted name. Its exceptions are told by their type alone: their text is not ours."""
    _look_here()
    try:
        return importlib.import_module(path)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        # SystemExit too: a script without a guard for `__main__` ends itself.
        problem = _not_imported(path, error)
    raise UsageError(f"{option}: {problem}")


def _not_imported(path: str, error: BaseException) -> str:
    if isinstance(error, ModuleNotFoundError) and error.name and f"{path}.".startswith(f"{error.name}."):
        if path.endswith(".py") or os.sep in path:
            return "expected a module's name, not its file's, such as acme.guards for acme/guards.py"
        return (
            f"there is no module {printable(path)}; "
            "run the command in the directory that holds it, or add that to PYTHONPATH"
        )
    shown = printable(path)
    return f"importing {shown} raised {type(error).__name__}; `python -c 'import {shown}'` tells more"


def _look_here() -> None:
    """Modules in the current directory are found, as with `python -m`, however the command was started."""
    here = os.getcwd()
    if not sys.flags.safe_path and here not in sys.path and "" not in sys.path:
        sys.path.insert(0, here)


def _member(module: ModuleType, name: str, option: str) -> object:
    try:
        return getattr(module, name)
    except AttributeError:
        known = [word for word in vars(module) if not word.startswith("_")]
        remedy = did_you_mean(name, known) or f"; name a mapping that it defines, such as CHECKS = {_EXAMPLE}"
        problem = f"the module has no {printable(name)}{remedy}"
    except Exception as error:
        # A module may have a `__getattr__` that imports more.
        problem = f"reading {printable(name)} from it raised {type(error).__name__}; repair the module"
    raise UsageError(f"{option}: {problem}")
