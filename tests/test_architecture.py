"""The house plan holds: who may import whom, read from the source (DESIGN section 6)."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "llmroute"
MODULES = sorted(PACKAGE.rglob("*.py"))

#: Lowest first. A module imports lower ranks, its own package, and what stands before it in its rank.
RANKS = (
    ("clock", "secret", "patterns"),
    ("types",),
    ("wire", "errors"),
    ("outcome", "node", "request"),
    ("config", "transport", "stores", "telemetry"),
    ("providers", "hooks"),
    ("environment",),
    ("layers",),
    ("routing",),
    ("prepare", "view", "edge", "response", "explain", "trial", "client"),
    ("core", "requested", "assemble", "router"),
    ("sync",),
    ("testing", "integrations"),
    ("cli",),
)
PLACES = {name: (rank, place) for rank, names in enumerate(RANKS) for place, name in enumerate(names)}

#: The package itself, which imports everything up to `sync`.
PUBLIC = (PLACES["sync"][0], 1)

#: What the wheel depends on, and what these bring along.
DEPENDENCIES = {"aiohttp", "attrs", "cattrs", "multidict", "orjson", "regex", "tenacity", "yarl"}
STANDARD_LIBRARY = __import__("sys").stdlib_module_names


def name_of(path: Path) -> str:
    """The dotted name below the package: "config.parse", "" for the package itself."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def statements(node: ast.AST, *, functions: bool) -> Iterator[ast.stmt]:
    """All statements below `node` but those for type checkers; those in functions only if asked for."""
    for child in ast.iter_child_nodes(node):
        if is_type_checking(child):
            yield from child.orelse
            continue
        if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)) and not functions:
            continue
        if isinstance(child, ast.stmt):
            yield child
        yield from statements(child, functions=functions)


@cache
def imports(path: Path, *, functions: bool) -> tuple[tuple[int, str], ...]:
    """Line and absolute name of everything that a module imports; our own begin with "llmroute."."""
    return tuple(_imports(path, functions))


def _imports(path: Path, functions: bool) -> Iterator[tuple[int, str]]:
    package = ["llmroute", *name_of(path).split(".")] if name_of(path) else ["llmroute"]
    if path.name != "__init__.py":
        package.pop()
    for node in statements(ast.parse(path.read_text(encoding="utf-8")), functions=functions):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            whole = ".".join([*base, *([node.module] if node.module else [])])
            if node.level and not node.module:
                for alias in node.names:
                    yield node.lineno, f"{whole}.{alias.name}"
            else:
                yield node.lineno, whole


def top(name: str) -> str:
    """The part of the plan that a dotted name belongs to."""
    return name.split(".")[1] if "." in name else ""


def test_every_module_has_a_place_in_the_plan():
    """A new top-level module or package is put into RANKS."""
    tops = {name_of(path).split(".")[0] for path in MODULES} - {"", "__main__"}

    assert set() == tops - PLACES.keys()


@pytest.mark.parametrize(
    "path", [path for path in MODULES if path.parent != PACKAGE or name_of(path) in PLACES], ids=name_of
)
def test_a_module_imports_only_what_stands_below_it(path):
    """Lower ranks, its own package, or what stands before it in its rank; imports for types are exempt."""
    own = name_of(path).split(".")[0]
    rank, place = PLACES[own]
    # What is not in the plan is a public name, taken from the package itself.
    wrong = [
        f"line {line}: {name}"
        for line, name in imports(path, functions=True)
        if name.startswith("llmroute") and top(name) != own and PLACES.get(top(name), PUBLIC) >= (rank, place)
    ]

    assert [] == wrong


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_an_extra_is_imported_only_where_it_is_used(path):
    """At the top of a module stand the standard library and the wheel's own dependencies."""
    allowed = DEPENDENCIES | STANDARD_LIBRARY | {"llmroute", "__future__"}
    if name_of(path) == "testing.pytest_plugin":
        allowed = allowed | {"pytest"}
    found = {name.split(".")[0] for _, name in imports(path, functions=False)}

    assert set() == found - allowed


@pytest.mark.parametrize("package", ["wire", "types", "patterns", "config"])
def test_parsers_and_values_do_no_input_or_output(package):
    """Neither sockets nor threads nor event loops."""
    forbidden = {
        "aiohttp",
        "asyncio",
        "http",
        "select",
        "socket",
        "ssl",
        "subprocess",
        "threading",
        "urllib.request",
    }
    for path in MODULES:
        if name_of(path).split(".")[0] == package:
            found = {name for _, name in imports(path, functions=True)}
            assert set() == found & forbidden, path


def test_the_network_is_met_in_one_place():
    """aiohttp's client stands in `transport`; what serves HTTP are tests and bridges."""
    users = {
        name_of(path).split(".")[0]
        for path in MODULES
        for _, name in imports(path, functions=True)
        if name.split(".")[0] == "aiohttp"
    }

    assert {"transport"} <= users <= {"transport", "testing", "integrations"}


def test_time_and_chance_come_from_outside():
    """Only the environment draws numbers; beside the clock only patterns look at the time: their own."""
    for module, owners in (("time", {"clock", "patterns", "config"}), ("random", {"environment"})):
        users = {
            name_of(path).split(".")[0]
            for path in MODULES
            for _, name in imports(path, functions=True)
            if name == module
        }
        assert set() == users - owners - {"testing", "cli"}, module
