"""Guardrails and mutators: checks before and after the model, and the engine that runs them.

A guardrail of your own is a function:

    from llmroute.hooks import HookContext

    def no_keys(context: HookContext) -> bool:
        return "sk-" not in context.text

    Router({"input_guardrails": [{"acme.no_keys": {}, "deny": True}], ...}, checks={"acme.no_keys": no_keys})
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .base import Check, CheckFailure, HookContext, Verdict
    from .custom import blocking, transforming
    from .texts import Texts

__all__ = ["Check", "CheckFailure", "HookContext", "Texts", "Verdict", "blocking", "transforming"]

_MODULES = {
    "Check": "base",
    "CheckFailure": "base",
    "HookContext": "base",
    "Texts": "texts",
    "Verdict": "base",
    "blocking": "custom",
    "transforming": "custom",
}


def __getattr__(name: str) -> Any:
    # Imported when asked for: most programs have no check of their own.
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_MODULES[name]}", __name__), name)
