"""Everything a test of your own routing needs: scripted replies, virtual time, a local upstream."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .clock import VirtualClock
from .native import (
    anthropic_completion,
    anthropic_error,
    anthropic_stream,
    gemini_completion,
    gemini_error,
    gemini_stream,
)
from .replies import (
    Break,
    Pause,
    Reply,
    ToolCall,
    completion,
    connection_error,
    cut,
    error,
    hang,
    reply,
    split,
    sse,
    stall,
    stream,
    tool_call,
)
from .transport import ScriptedExchange, ScriptedTransport, ScriptError, SentRequest

if TYPE_CHECKING:
    from .upstream import LoopbackUpstream, UpstreamCall

__all__ = [
    "Break",
    "LoopbackUpstream",
    "Pause",
    "Reply",
    "ScriptError",
    "ScriptedExchange",
    "ScriptedTransport",
    "SentRequest",
    "ToolCall",
    "UpstreamCall",
    "VirtualClock",
    "anthropic_completion",
    "anthropic_error",
    "anthropic_stream",
    "completion",
    "connection_error",
    "cut",
    "error",
    "gemini_completion",
    "gemini_error",
    "gemini_stream",
    "hang",
    "reply",
    "split",
    "sse",
    "stall",
    "stream",
    "tool_call",
]


def __getattr__(name: str) -> Any:
    # The upstream needs aiohttp.web, which takes longer to import than everything else here.
    if name in ("LoopbackUpstream", "UpstreamCall"):
        from . import upstream

        return getattr(upstream, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
