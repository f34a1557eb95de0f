"""What Gemini wants back goes back as it came, and to nobody else."""

from __future__ import annotations

from typing import Any

import gemini_kit as kit
import pytest

USER = {"role": "user", "content": "Hi"}
STANDIN = "skip_thought_signature_validator"


def returned(*parts: Any, model: str = kit.CURRENT, **changes: Any) -> list[dict[str, Any]]:
    """The parts that an answer with `parts` is sent back as, its message changed by `changes`."""
    said = {**kit.message(*parts), **changes}
    return kit.encoded([USER, said], model=model)["contents"][1]["parts"]


def without_ids(parts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Ids of calls are made up where Gemini gave none."""
    for part in parts:
        part.get("functionCall", {}).pop("id", None)
    return parts


PNG = {"inlineData": {"mimeType": "image/png", "data": kit.PIXEL}}


@pytest.mark.parametrize(
    "parts",
    [
        [kit.call("f", {"a": 1}, "c2ln"), kit.call("g", {})],
        [kit.call("f", {}, "c2ln"), kit.call("g", {}, "dHdv")],
        [{"text": "Looking."}, kit.call("f", {}, "c2ln")],
        [{"text": "a"}, {"text": "b", "thoughtSignature": "c2ln"}],
        [{"text": "a"}, {"text": "", "thoughtSignature": "c2ln"}],
        [{"text": "Hm", "thought": True, "thoughtSignature": "c2ln"}, {"text": "a"}],
        [
            {"text": "a", "thoughtSignature": "MQ=="},
            kit.call("f", {}, "Mg=="),
            {"text": "b", "thoughtSignature": "Mw=="},
        ],
        [{"text": "Here"}, {**PNG, "thoughtSignature": "c2ln"}, {**PNG, "thoughtSignature": "dHdv"}],
        [{"executableCode": {"code": "1"}}, {"codeExecutionResult": {"output": "1"}}, {"text": "1"}],
        [
            {"toolCall": {"id": "t"}, "thoughtSignature": "c2ln"},
            {"toolResponse": {"id": "t"}},
            {"text": "é灯🦀"},
        ],
    ],
)
def test_an_answer_goes_back_as_it_came(parts: list[Any]) -> None:
    """Order, cuts and signatures. Source: ai.google.dev, thought signatures ("exactly as received")."""
    assert parts == without_ids(returned(*parts))


def test_a_streamed_answer_goes_back_as_it_came() -> None:
    """Pieces of text without a signature are one part again."""
    made = [
        kit.answer(kit.candidate({"text": "Hm", "thought": True}, finish=None)),
        kit.answer(kit.candidate("a", finish=None)),
        kit.answer(kit.candidate("b", kit.call("f", {}, "c2ln"), finish=None)),
        kit.answer(kit.candidate({"text": "", "thoughtSignature": "ZW5k"})),
    ]
    chunks, _ = kit.streamed(kit.sse(*made))
    said = kit.joined(chunks)[0]["message"]
    got = kit.encoded([USER, said], model=kit.CURRENT)["contents"][1]["parts"]

    signed = kit.call("f", {}, "c2ln")
    assert [{"text": "ab"}, signed, {"text": "", "thoughtSignature": "ZW5k"}] == without_ids(got)


def test_an_answer_without_state_has_none() -> None:
    """Nothing is added to plain answers."""
    assert {"role": "assistant", "content": "Hi"} == kit.message("Hi")


def test_text_that_was_changed_since_keeps_the_last_signature() -> None:
    """A guardrail may have rewritten it; the old text must not come back."""
    got = returned({"text": "secret", "thoughtSignature": "c2ln"}, "s", content="***")

    assert [{"text": "***", "thoughtSignature": "c2ln"}] == got


def test_state_of_other_origins_is_not_sent() -> None:
    """Neither on messages nor on calls."""
    foreign = {
        "origin": "anthropic",
        "data": {"thought_signature": "eA==", "parts": [{"kind": "native", "part": {"x": 1}}]},
    }
    call = {"id": "c", "function": {"name": "f", "arguments": "{}"}, "provider_state": foreign}
    said = {"role": "assistant", "content": "a", "tool_calls": [call], "provider_state": foreign}
    got = kit.encoded([USER, said])["contents"][1]["parts"]

    assert [{"text": "a"}, {"functionCall": {"id": "c", "name": "f", "args": {}}}] == got


def test_gemini_3_gets_a_stand_in_for_calls_of_others() -> None:
    """On the first call of a step, and only where none of its calls has a signature."""
    calls = [{"id": f"c{i}", "function": {"name": "f", "arguments": "{}"}} for i in range(2)]
    said = {"role": "assistant", "content": None, "tool_calls": calls}

    def signatures(model: str) -> list[str | None]:
        return [
            part.get("thoughtSignature")
            for part in kit.encoded([USER, said], model=model)["contents"][1]["parts"]
        ]

    assert [STANDIN, None] == signatures(kit.CURRENT)
    assert [STANDIN, None] == signatures("gemini-pro-latest")
    assert [None, None] == signatures(kit.MODEL)
    calls[1]["provider_state"] = {"origin": "google", "data": {"thought_signature": "c2ln"}}
    assert [None, "c2ln"] == signatures(kit.CURRENT)


@pytest.mark.parametrize(
    "call",
    [
        {"function": {"name": "f", "arguments": "{}", "thought_signature": "c2ln"}},
        {
            "function": {"name": "f", "arguments": "{}"},
            "extra_content": {"google": {"thought_signature": "c2ln"}},
        },
    ],
)
def test_signatures_in_other_members(call: dict[str, Any]) -> None:
    """Where the gateway puts them, and where Google's OpenAI endpoint does."""
    said = {"role": "assistant", "content": None, "tool_calls": [call]}

    assert "c2ln" == kit.encoded([USER, said])["contents"][1]["parts"][0]["thoughtSignature"]


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        {},
        {"parts": 3},
        {"parts": [3, {}, {"kind": "text"}, {"kind": []}, {"kind": "native"}]},
        {"parts": [{"kind": "text", "length": -2}, {"kind": "text", "length": 4}]},
        {"parts": [{"kind": "text", "length": True}]},
        {"parts": [{"kind": "text", "length": 2, "signature": 3}]},
        {"parts": [{"kind": "call"}, {"kind": "image"}, {"kind": "text", "length": 2}]},
    ],
)
def test_damaged_state_does_no_harm(data: Any) -> None:
    """The message is sent as it reads."""
    said = {"role": "assistant", "content": "Hi", "provider_state": {"origin": "google", "data": data}}

    assert [{"text": "Hi"}] == kit.encoded([USER, said])["contents"][1]["parts"]
