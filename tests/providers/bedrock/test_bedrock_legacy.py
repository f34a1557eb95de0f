"""Models from before Converse: one prompt, one text."""

from __future__ import annotations

import base64
import json
from typing import Any

import bedrock_kit as kit
import pytest

from llmroute.providers.base import DecodeError, ReplyError

COHERE = "cohere.command-text-v14"
AI21 = "ai21.j2-ultra-v1"
COUNTS = {"x_amzn_bedrock_input_token_count": "7", "x_amzn_bedrock_output_token_count": "3"}
GENERATED = {"id": "g", "generations": [{"text": " Fastnet.", "finish_reason": "COMPLETE"}]}


def chunk(**piece: Any) -> tuple[str, Any]:
    """An event of InvokeModelWithResponseStream."""
    return ("chunk", {"bytes": base64.b64encode(json.dumps(piece).encode()).decode()})


def test_the_conversation_is_a_prompt() -> None:
    """A line for each message, with who says it."""
    messages = [
        {"role": "developer", "content": [{"type": "text", "text": "Be terse."}]},
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Yes?"},
        {"role": "user", "content": "Tide?"},
    ]

    assert {"prompt": "system: Be terse.\nuser: Hi\nassistant: Yes?\nuser: Tide?\nAssistant:"} == kit.encoded(
        messages, model=COHERE
    )


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (
            COHERE,
            {
                "max_tokens": 9,
                "temperature": 0.5,
                "p": 0.9,
                "k": 3,
                "num_generations": 2,
                "end_sequences": ["E"],
                "frequency_penalty": 0.5,
                "presence_penalty": 0.2,
            },
        ),
        (
            AI21,
            {
                "maxTokens": 9,
                "temperature": 0.5,
                "topP": 0.9,
                "numResults": 2,
                "stopSequences": ["E"],
                "frequencyPenalty": {"scale": 0.5},
                "presencePenalty": {"scale": 0.2},
            },
        ),
    ],
)
def test_parameters_under_the_models_names(model: str, expected: dict[str, Any]) -> None:
    """What the model does not know is told as lost."""
    params = {
        "max_completion_tokens": 9,
        "temperature": 0.5,
        "top_p": 0.9,
        "top_k": 3,
        "n": 2,
        "stop": "E",
        "frequency_penalty": 0.5,
        "presence_penalty": 0.2,
        "seed": 1,
        "tools": [],
        "logprobs": False,
    }
    body = kit.encoded(model=model, **params)

    assert expected == {name: value for name, value in body.items() if name != "prompt"}
    assert (["top_k"] if model == AI21 else []) + ["seed", "tools"] == kit.lost(model=model, **params)


def test_values_out_of_bounds_are_moved_and_told() -> None:
    """Command takes no negative penalty and no temperature above 5."""
    params = {"frequency_penalty": -0.5, "temperature": 9, "max_tokens": 8, "max_completion_tokens": 3}
    body = kit.encoded(model=COHERE, **params)

    assert (0, 5, 8) == (body["frequency_penalty"], body["temperature"], body["max_tokens"])
    assert ["frequency_penalty", "temperature"] == kit.lost(model=COHERE, **params)


def test_paths() -> None:
    """InvokeModel; Jurassic cannot stream, so its whole answer becomes a stream."""
    paths = [kit.request(model=m, stream=s).url.name for m in (COHERE, AI21) for s in (False, True)]

    assert ["invoke", "invoke-with-response-stream", "invoke", "invoke"] == paths
    assert kit.encoded(model=COHERE, stream=True)["stream"] is True


@pytest.mark.parametrize(
    "message",
    [
        {
            "role": "user",
            "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,QUJD"}}],
        },
        {"role": "user", "content": 7},
        {"role": "tool", "tool_call_id": "x", "content": "1"},
        {"role": "assistant", "tool_calls": [{"id": "x"}]},
        {"role": 7},
        "Hi",
    ],
)
def test_what_is_no_text_is_refused(message: Any) -> None:
    """The model has neither eyes nor tools."""
    assert str(kit.refusal([message], model=COHERE).param).startswith("messages[0]")


@pytest.mark.parametrize("messages", [None, [], "Hi", {}])
def test_what_is_no_conversation_is_refused(messages: Any) -> None:
    """With the parameter's name."""
    assert "messages" == kit.refusal(messages, model=COHERE).param


@pytest.mark.parametrize(
    ("model", "body", "text", "reason"),
    [
        (COHERE, GENERATED, " Fastnet.", "COMPLETE"),
        (COHERE, {"generations": [{"text": "a", "finish_reason": "MAX_TOKENS"}]}, "a", "length"),
        (COHERE, {"generations": [{"text": "", "finish_reason": "ERROR_TOXIC"}]}, "", "content_filter"),
        (COHERE, {"generations": [{"text": "a"}]}, "a", "stop"),
        (
            AI21,
            {"completions": [{"data": {"text": "a"}, "finishReason": {"reason": "endoftext"}}]},
            "a",
            "endoftext",
        ),
        (
            AI21,
            {"completions": [{"data": {"text": "a"}, "finishReason": {"reason": "length"}}]},
            "a",
            "length",
        ),
    ],
)
def test_answers(model: str, body: Any, text: str, reason: str) -> None:
    """The text as it is; usage from the headers; reasons in OpenAI's words where there is one."""
    made = kit.target().decode(kit.reply(body, **COUNTS), {"model": model})
    (choice,) = made["choices"]

    assert (text, reason) == (choice["message"]["content"], choice["finish_reason"])
    assert {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10} == made["usage"]
    assert "usage" not in kit.target().decode(kit.reply(body), {"model": model})


def test_several_answers() -> None:
    """Each is a choice."""
    body = {"generations": [{"text": "a"}, {"text": "b"}]}
    choices = kit.target().decode(kit.reply(body), {"model": COHERE})["choices"]

    assert [(0, "a"), (1, "b")] == [(c["index"], c["message"]["content"]) for c in choices]


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{}", b'{"generations": []}', b'{"generations": [7]}', b'{"generations": [{"text": 7}]}'],
)
def test_what_is_no_answer_is_told(body: bytes) -> None:
    """A 200 that is none is an error of its own."""
    with pytest.raises(DecodeError):
        kit.target().decode(kit.reply(body), {"model": COHERE})


def test_an_error_inside_a_200() -> None:
    """With Amazon's text."""
    with pytest.raises(ReplyError):
        kit.target().decode(kit.reply({"message": "no"}), {"model": COHERE})


def test_a_stream() -> None:
    """Pieces of text; the last event repeats the whole and counts."""
    data = kit.frames(
        chunk(text=" Fast", is_finished=False, index=0),
        chunk(text="net.", is_finished=False),
        chunk(
            is_finished=True,
            finish_reason="COMPLETE",
            response={"text": " Fastnet."},
            **{"amazon-bedrock-invocationMetrics": {"inputTokenCount": 7, "outputTokenCount": 3}},
        ),
    )
    for step in (None, 1):
        chunks, decoder = kit.streamed(data, step=step, model=COHERE)
        whole = kit.assembled(chunks)

        assert decoder.done
        assert (" Fastnet.", "COMPLETE", 10) == (
            whole["message"]["content"],
            whole["finish_reason"],
            whole["usage"]["total_tokens"],
        )


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (kit.frames(chunk(text="a", is_finished=False)), "interrupted"),
        (kit.frames(("chunk", {"bytes": "!"})), "parse"),
        (kit.frames(("chunk", {})), "parse"),
        (kit.frames(chunk(text=7)), "parse"),
        (kit.frames(chunk(text="a", index=5000)), "parse"),
        (kit.frame("throttlingException", {"message": "slow"}, "exception"), "status"),
        (b"<html>502</html>", "parse"),
        (b"{}", "parse"),
    ],
)
def test_broken_streams(data: bytes, kind: str) -> None:
    """Told, never raised."""
    _, decoder = kit.streamed(data, model=COHERE)

    assert kind == decoder.failure.kind
    assert [] == decoder.feed(data) == decoder.close()


def test_a_whole_answer_becomes_a_stream() -> None:
    """Jurassic's, for callers who asked for a stream."""
    body = kit.reply({"completions": [{"data": {"text": "a"}, "finishReason": {"reason": "length"}}]}).body
    chunks, decoder = kit.streamed(body, model=AI21)

    assert decoder.done
    assert ("a", "length") == (
        kit.assembled(chunks)["message"]["content"],
        kit.assembled(chunks)["finish_reason"],
    )
