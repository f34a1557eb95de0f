"""Random conversations, answers and rubbish for the tests of the smaller native adapters."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(-1e9, 1e9) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=4,
)
INPUT = st.dictionaries(st.text(max_size=4), JSON, max_size=2)
NAME = st.sampled_from(["tide", "wind", "convert_units"])
TEXT_PART = TEXT.map(lambda text: {"type": "text", "text": text})
IMAGE_PART = st.sampled_from(["data:image/png;base64,QUJD", "data:image/webp;base64,QUJE"]).map(
    lambda url: {"type": "image_url", "image_url": {"url": url}}
)


@st.composite
def exchanges(draw: st.DrawFn, user: Any, result: Any) -> list[dict[str, Any]]:
    """Something said, by whom ever: calls always with their results."""
    role = draw(st.sampled_from(["system", "developer", "user", "assistant", "calls"]))
    if role == "user":
        return [{"role": role, "content": draw(user)}]
    if role != "calls":
        return [{"role": role, "content": draw(TEXT)}]
    names = draw(st.lists(NAME, min_size=1, max_size=3))
    first = draw(st.integers(0, 10**12))
    ids = [f"call_{first + i}" for i in range(len(names))]
    calls = [
        {"id": each, "type": "function", "function": {"name": name, "arguments": json.dumps(draw(INPUT))}}
        for each, name in zip(ids, names, strict=True)
    ]
    results = [{"role": "tool", "tool_call_id": each, "content": draw(result)} for each in ids]
    return [{"role": "assistant", "content": draw(st.none() | TEXT), "tool_calls": calls}, *results]


def conversations(
    *, images: bool = True, result_parts: bool = True
) -> st.SearchStrategy[list[dict[str, Any]]]:
    """Conversations of all roles that end with the user, with images and results in parts where wanted."""
    part = TEXT_PART | IMAGE_PART if images else TEXT_PART
    user = TEXT | st.lists(part, min_size=1, max_size=3)
    result = TEXT | st.lists(TEXT_PART, min_size=1, max_size=2) if result_parts else TEXT
    return st.lists(exchanges(user, result), max_size=6).map(
        lambda groups: (
            [message for group in groups for message in group] + [{"role": "user", "content": "End"}]
        )
    )


Said = list[tuple[Any, ...]]


def said_in(messages: list[dict[str, Any]], result_id: str = "tool_call_id") -> Said:
    """Who said what, in order, in messages of OpenAI's shape or nearly so; arguments as JSON values."""
    said: Said = []
    for message in messages:
        role, content = message["role"], message.get("content")
        who = "system" if role == "developer" else role
        if role == "tool":
            said.append(("result", message[result_id], parts_in(content)))
        else:
            said += [(who, part) for part in parts_in(content or [])]
        for call in message.get("tool_calls") or ():
            function = call["function"]
            given = function["arguments"]
            arguments = json.loads(given) if isinstance(given, str) else given
            said.append(("call", call["id"], function["name"], arguments))
    return said


def parts_in(content: Any) -> list[Any]:
    """The texts and image URLs of a content."""
    if isinstance(content, str):
        return [("text", content)] if content else []
    return [
        ("text", part["text"]) if part["type"] == "text" else ("url", part["image_url"]["url"])
        for part in content
    ]


# -- rubbish -----------------------------------------------------------------

SCALAR = st.none() | st.booleans() | st.integers(-1, 3) | st.floats() | st.text("ab:,/[{", max_size=4)
WORDS = st.sampled_from(
    [
        "user", "assistant", "tool", "system", "developer", "function", "text", "image_url", "file",
        "thinking", "input_audio", "document", "allowed_tools", "object", "json_schema", "json_object",
        "required", "none", "auto", "cohere", "mistral", "data:;base64,QQ==", "error", "ERROR",
    ]
)  # fmt: skip
MEMBERS = [
    "type", "role", "content", "text", "image_url", "url", "file", "file_data", "file_id", "tool_calls", "id",
    "function", "name", "arguments", "tool_call_id", "provider_state", "origin", "data", "thinking",
    "cache_control", "function_call", "refusal", "parameters", "strict", "properties", "json_schema",
    "schema", "allowed_tools", "mode", "tools", "description", "length", "citations", "tool_plan", "custom",
    "input", "input_audio", "index", "reasoning_content", "effort", "start", "end", "sources",
    "content_index", "budget_tokens", "message", "choices", "usage", "finish_reason", "delta", "response",
    "result", "success", "errors", "error", "outputs", "responses", "metadata", "logprobs", "tokens", "done",
]  # fmt: skip
VALUE = st.recursive(
    SCALAR | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(MEMBERS), inner, max_size=4),
    max_leaves=8,
)
OBJECT = st.dictionaries(st.sampled_from(MEMBERS), VALUE, max_size=5)
MESSAGE = st.builds(
    lambda role, members: {**members, "role": role},
    st.sampled_from(["user", "assistant", "tool", "system", "developer", "function", "narrator"]),
    OBJECT,
)
PARAMS = st.dictionaries(
    st.sampled_from(
        [
            "tools", "tool_choice", "functions", "function_call", "parallel_tool_calls", "response_format",
            "stop", "temperature", "top_p", "top_k", "max_tokens", "max_completion_tokens", "stream",
            "reasoning_effort", "reasoning", "thinking", "think", "metadata", "user", "service_tier", "n",
            "options", "keep_alive", "format", "logit_bias", "prediction", "seed", "frequency_penalty",
            "presence_penalty", "documents", "stream_options", "logprobs", "prompt", "suffix", "wibble",
        ]
    ),
    VALUE,
    max_size=4,
)  # fmt: skip
