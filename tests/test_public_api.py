"""The public surface: a sorted list, documented, typed, and light to import."""

from __future__ import annotations

import importlib
import inspect
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

import llmroute
import llmroute.testing

ROOT = Path(llmroute.__file__).parent


@pytest.mark.parametrize("module", [llmroute, llmroute.testing])
def test_everything_public_is_listed_sorted_and_documented(module):
    """`__all__` is the promise; everything else may move."""
    assert sorted(module.__all__) == module.__all__
    assert len(set(module.__all__)) == len(module.__all__)
    for name in module.__all__:
        assert inspect.getdoc(getattr(module, name)), name


def test_the_names_of_the_contract_are_there():
    """DESIGN section 2."""
    names = {
        "Router", "SyncRouter", "Config", "ConfigDict", "ChatCompletion", "ChatCompletionChunk", "ChatStream",
        "Response", "Route",
    }  # fmt: skip
    errors = {name for name in vars(llmroute.errors) if name.endswith("Error") or name == "MissingExtra"}

    assert names | errors <= set(llmroute.__all__)


def public_members():
    """The methods of public classes, and the properties of those that are no results of OpenAI's shape."""
    for name in llmroute.__all__:
        value = getattr(llmroute, name)
        if inspect.isclass(value):
            kinds = (classmethod, staticmethod, type(public_members))
            if not value.__module__.startswith("llmroute.types"):
                kinds = (*kinds, property)
            for member, found in vars(value).items():
                if not member.startswith("_") and isinstance(found, kinds):
                    yield f"{name}.{member}", found


@pytest.mark.parametrize(
    ("name", "member"), list(public_members()), ids=lambda value: value if isinstance(value, str) else ""
)
def test_every_method_of_a_public_class_is_documented(name, member):
    """What it does, its units and errors."""
    value = member.fget if isinstance(member, property) else getattr(member, "__func__", member)
    cls, attribute = name.split(".")

    assert value.__doc__ or inspect.getdoc(getattr(getattr(llmroute, cls), attribute))


def test_the_package_is_typed_and_has_one_version():
    """`py.typed` is part of it; the version is the distribution's."""
    assert (ROOT / "py.typed").exists()
    assert re.fullmatch(r"\d+\.\d+\.\d+", llmroute.__version__)
    assert version("llmroute") == llmroute.__version__


def test_the_testing_package_loads_its_server_late():
    """`LoopbackUpstream` is there all the same; other names are no attributes."""
    assert "LoopbackUpstream" == llmroute.testing.LoopbackUpstream.__name__
    with pytest.raises(AttributeError, match="no attribute 'Upstream'"):
        llmroute.testing.Upstream  # noqa: B018


AUDIT = """
import logging, os, signal, sys, threading
seen = []
def hook(event, args):
    if event == "open" and isinstance(args[1], str) and set(args[1]) & set("wax+"):
        seen.append(f"open {args[0]} {args[1]}")
    elif event == "open" and args[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
        seen.append(f"open {args[0]} {args[2]}")
    elif event.startswith(("socket.", "subprocess.", "os.exec", "os.fork", "os.spawn", "os.putenv")):
        seen.append(event)
def state():
    return (dict(os.environ), list(logging.root.handlers), logging.root.level, threading.active_count(),
            signal.getsignal(signal.SIGINT), sys.excepthook, sys.getrecursionlimit())
before = state()
sys.addaudithook(hook)
import llmroute
from llmroute import Config, Router
Router({"strategy": {"mode": "fallback"}, "targets": [{"provider": "openai"}, {"provider": "anthropic"}]})
assert state() == before, (state(), before)
assert not seen, seen
print(*sorted(sys.modules))
"""


def modules_after_import():
    done = subprocess.run(
        [sys.executable, "-B", "-W", "error", "-c", AUDIT],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert 0 == done.returncode, done.stderr
    return set(done.stdout.split())


def test_importing_has_no_side_effects():
    """No file written, no socket, process, thread, handler or variable; nor has building a router."""
    loaded = modules_after_import()

    for name in (
        "aiohttp.web", "anthropic", "azure", "boto3", "botocore", "google.auth", "httpx", "jsonschema",
        "llmroute.cli", "llmroute.integrations", "llmroute.testing", "openai", "pydantic", "pytest", "redis",
    ):  # fmt: skip
        assert name not in loaded
    assert not {name for name in loaded if name.startswith("llmroute.providers.bedrock")}


@pytest.mark.parametrize("name", ["llmroute.cli", "llmroute.testing", "llmroute.sync", "llmroute.types"])
def test_sub_packages_can_be_imported_alone(name):
    """In any order."""
    assert importlib.import_module(name)
    subprocess.run([sys.executable, "-B", "-c", f"import {name}"], check=True, timeout=60)
