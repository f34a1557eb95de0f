"""failure_of: what error answers of every style say."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmroute.outcome import Failure
from llmroute.providers.base import DecodeError, ReplyError
from llmroute.providers.failures import (
    ErrorStyle,
    checked_completion,
    completion_problem,
    failure_from,
    failure_of,
    parsed_reply,
    quoted,
)
from llmroute.wire.message import WireReply

NO = "chaos says no"


def failure(body: Any, status: int = 400, style: ErrorStyle | None = None) -> Failure:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    reply = WireReply(status, {}, data)
    return failure_of(reply, "acme") if style is None else failure_of(reply, "acme", style)


STYLES: list[tuple[str, Any, str, Any, Any, Any]] = [
    # name, body, text, type, code, param
    (
        "openai",
        {"error": {"message": NO, "type": "t", "param": "p", "code": "c"}},
        NO,
        "t",
        "c",
        "p",
    ),
    (
        "anthropic",
        {"type": "error", "error": {"type": "overloaded_error", "message": NO}},
        NO,
        "overloaded_error",
        None,
        None,
    ),
    (
        "google",
        {"error": {"code": 503, "message": NO, "status": "UNAVAILABLE"}},
        NO,
        "UNAVAILABLE",
        503,
        None,
    ),
    (
        "google array",
        [{"error": {"code": 400, "message": NO, "status": "INTERNAL"}}],
        NO,
        "INTERNAL",
        400,
        None,
    ),
    ("azure", {"error": {"code": "401", "message": NO, "innererror": {"code": "X"}}}, NO, None, "401", None),
    (
        "aws",
        {"message": NO, "__type": "com.amazonaws#ThrottlingException"},
        NO,
        "ThrottlingException",
        None,
        None,
    ),
    ("aws, capital", {"Message": NO}, NO, None, None, None),
    (
        "mistral",
        {"object": "error", "message": NO, "type": "invalid", "code": 3000},
        NO,
        "invalid",
        3000,
        None,
    ),
    ("error as text", {"error": NO, "code": "c"}, NO, None, "c", None),
    ("error as list", {"error": [NO, "x"]}, f"{NO}; x", None, None, None),
    ("oauth", {"error": "invalid_grant", "error_description": NO}, f"invalid_grant: {NO}", None, None, None),
    ("message as object", {"error": {"message": {"text": NO}, "code": 1.5}}, NO, None, 1.5, None),
    ("message as list", {"error": {"message": [{"text": NO}, "x"]}}, f"{NO}; x", None, None, None),
    ("error without text", {"error": {"code": "c", "info": 1}}, '{"code":"c","info":1}', None, "c", None),
    ("fastapi", {"detail": NO}, NO, None, None, None),
    (
        "fastapi list",
        {"detail": [{"loc": ["body", "messages", 0], "msg": NO, "type": "missing"}]},
        f"body.messages.0: {NO}",
        "missing",
        None,
        None,
    ),
    ("fastapi object", {"detail": {"message": NO, "code": "c"}}, NO, None, "c", None),
    ("detail with error", {"detail": {"error": {"message": NO, "type": "t"}}}, NO, "t", None, None),
    ("problem", {"type": "about:blank", "title": "Bad", "detail": NO}, f"Bad: {NO}", None, None, None),
    ("fault", {"fault": {"faultstring": NO, "detail": {"errorcode": "k"}}}, NO, None, "k", None),
    (
        "errors",
        {"errors": [{"code": 7, "message": NO}, {"message": "b"}]},
        f"Error 7:{NO}, b",
        None,
        None,
        None,
    ),
    ("errors as object", {"errors": {"field": NO}}, '{"field":"chaos says no"}', None, None, None),
    ("json text", NO, NO, None, None, None),
    ("json number", 7, "7", None, None, None),
    ("json list", [NO], NO, None, None, None),
    ("json null", None, "no message (HTTP status 400)", None, None, None),
    ("empty object", {}, "no message (HTTP status 400)", None, None, None),
    ("error null", {"error": None}, "no message (HTTP status 400)", None, None, None),
    ("unknown object", {"oops": 1}, '{"oops":1}', None, None, None),
    ("text", NO.encode(), NO, None, None, None),
    ("html", b"<html>no</html>", "<html>no</html>", None, None, None),
    ("broken json", b'{"error": {"mess', '{"error": {"mess', None, None, None),
    ("empty", b"", "no message (HTTP status 400)", None, None, None),
    ("not utf-8", b"chaos \xff no", "chaos \ufffd no", None, None, None),
    ("event stream", b'event: error\ndata: {"error":{"message":"no","type":"t"}}\n\n', "no", "t", None, None),
]


@pytest.mark.parametrize(
    ("name", "body", "text", "kind", "code", "param"), STYLES, ids=[s[0] for s in STYLES]
)
def test_every_style_of_error_is_read(
    name: str, body: Any, text: str, kind: Any, code: Any, param: Any
) -> None:
    """Text behind the provider's name, and type, code and param where the provider has them."""
    got = failure(body)

    assert ("status", f"acme error: {text}") == (got.kind, got.message)
    assert (kind, code, param) == (got.type, got.code, got.param)


def test_the_body_is_kept_without_the_routers_members() -> None:
    """Whoever needs more than the four members finds the parsed body; `retry_after` is not read here."""
    got = failure({"error": {"message": NO}, "request_id": "r", "route": 1, "hook_results": {}})

    assert {"error": {"message": NO}, "request_id": "r"} == got.body
    assert got.retry_after is None
    assert failure(b"text").body is None


def test_quoted_text_is_short_and_harmless() -> None:
    """At most 2 KiB, with line ends, escape sequences and direction marks written out."""
    got = failure({"error": {"message": "a\r\nset-cookie: b\x1b[31m \u202e x", "type": "a\nb"}})

    assert "acme error: a\\r\\nset-cookie: b\\x1b[31m \\u202e x" == got.message
    assert "a\\nb" == got.type
    assert 2048 == len(quoted("x" * 100_000))
    assert 2048 >= len(quoted("\u6f22" * 100_000).encode())
    assert 2048 >= len(quoted("\n" * 100_000))
    assert "\\ud800" == quoted("\ud800")
    assert "100%s {0}" == quoted("100%s {0}")


def test_an_echoed_bearer_token_is_masked() -> None:
    """Servers that repeat the Authorization header must not bring the key into logs."""
    got = failure({"error": {"message": "Incorrect API key provided: Bearer sk-secret-1"}}, 401)

    assert "acme error: Incorrect API key provided: Bearer ***" == got.message


def test_a_style_changes_single_members() -> None:
    """Numbers as text, members left out, the status in a member's place."""
    inner = {"error": {"message": NO, "code": 7, "param": "p"}}
    outer = {"message": NO, "code": 7}

    assert "7" == failure(inner, style=ErrorStyle(numbers="text")).code
    assert failure(inner, style=ErrorStyle(omits=("param",))).param is None
    assert 7 == failure(outer, style=ErrorStyle(omits=("code",))).code
    assert failure(outer, style=ErrorStyle(omits_outer=("code",))).code is None
    assert "400" == failure(inner, style=ErrorStyle(status_in=("type",))).type
    assert ("error", "400") == (
        failure(b"no", style=ErrorStyle(text_type="error")).type,
        failure(b"no", style=ErrorStyle(text_type="error")).code,
    )


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (
            400,
            {
                "code": "context_length_exceeded",
                "message": "This model's maximum context length is 8192 tokens.",
            },
        ),
        (
            400,
            {
                "type": "invalid_request_error",
                "message": "prompt is too long: 210000 tokens > 200000 maximum",
            },
        ),
        (
            400,
            {
                "status": "INVALID_ARGUMENT",
                "message": "The input token count (1) exceeds the maximum number of tokens allowed (0).",
            },
        ),
        (400, {"message": "Please reduce the length of the messages or completion."}),
        (
            400,
            {
                "type": "exceed_context_size_error",
                "message": "the request exceeds the available context size",
            },
        ),
        (400, {"message": "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096."}),
        (400, {"message": "Invalid request: Your request exceeded model token limit: 8192"}),
        (413, {"message": "Input is too long for requested model."}),
        (502, {"message": "This endpoint's maximum context length is 1000 tokens."}),
    ],
)
def test_a_full_context_window_is_recognised(status: int, error: dict[str, Any]) -> None:
    """By its code or by the wording of the large providers."""
    assert "context_window" == failure({"error": error}, status).reason


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, {"code": "content_filter", "message": "The response was filtered"}),
        (400, {"code": "400", "message": "x", "innererror": {"code": "ResponsibleAIPolicyViolation"}}),
        (400, {"message": "The prompt triggered Azure OpenAI's content management policy."}),
        (400, {"message": "Output blocked by content filtering policy"}),
        (400, {"message": "Your request was rejected as a result of our safety system."}),
        (400, {"code": "data_inspection_failed", "message": "Input may contain inappropriate content."}),
        (400, {"message": "Content Exists Risk"}),
        (403, {"code": 403, "message": "moderation: your input was flagged for violence"}),
    ],
)
def test_a_refusal_by_content_policy_is_recognised(status: int, error: dict[str, Any]) -> None:
    """By its code, Azure's inner code or the wording."""
    assert "content_policy" == failure({"error": error}, status).reason


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, {"message": "Bad value for temperature"}),
        (429, {"message": "Rate limit reached, please reduce the length of the messages"}),
        (413, {"code": "rate_limit_exceeded", "message": "please reduce the length of the messages"}),
        (401, {"message": "This key is against our content policy"}),
    ],
)
def test_other_errors_have_no_reason(status: int, error: dict[str, Any]) -> None:
    """Limits of tokens per minute and refused credentials are neither."""
    assert failure({"error": error}, status).reason is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["error", "message", "detail", "errors", "fault", "code", "type", "loc", "msg", "x"]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@given(JSON)
def test_any_json_gives_a_printable_message(body: Any) -> None:
    """Whatever the body holds, the message is there and short; nothing is raised."""
    got = failure_from(body, "acme")

    assert got.message.startswith("acme error: ")
    assert len("acme error: ") < len(got.message) <= 2048 + len("acme error: ")
    assert all(c.isprintable() or c.isspace() for c in got.message)


@given(st.binary(max_size=200))
def test_any_bytes_give_a_message(body: bytes) -> None:
    """An error body may be anything."""
    assert failure(body).message.startswith("acme error: ")


# -- completions -------------------------------------------------------------

MESSAGE = {"role": "assistant", "content": "Paris"}


def test_what_a_completion_needs() -> None:
    """Choices with messages; role, finish reason, usage and the rest may be missing."""
    assert completion_problem({"choices": [{"message": MESSAGE}]}) is None
    assert completion_problem({"choices": [{"message": {"content": None}, "index": 7}]}) is None
    assert completion_problem({"choices": [{"message": MESSAGE}] * 1000}) is None


@pytest.mark.parametrize(
    "body",
    [
        None,
        7,
        "x",
        [],
        {},
        {"choices": None},
        {"choices": []},
        {"choices": "hi"},
        {"choices": {"0": {}}},
        {"choices": [None]},
        {"choices": [{}]},
        {"choices": [{"message": None}]},
        {"choices": [{"message": "hi"}]},
        {"choices": [{"message": MESSAGE, "index": -1}]},
        {"choices": [{"message": MESSAGE, "index": 10**9}]},
        {"choices": [{"message": MESSAGE, "index": "0"}]},
        {"choices": [{"message": MESSAGE}] * 1025},
    ],
)
def test_everything_else_is_no_completion(body: Any) -> None:
    """Decoding it fails, with what was wrong."""
    problem = completion_problem(body)

    assert problem
    with pytest.raises(DecodeError, match="no completion"):
        checked_completion(body, "acme")


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"message": NO}},
        {"error": NO},
        [{"error": {"message": NO}}],
        {"object": "error", "message": NO},
    ],
)
def test_an_error_in_a_good_status_is_an_error(body: Any) -> None:
    """An error object without choices is the provider's failure, not a broken answer."""
    with pytest.raises(ReplyError) as caught:
        checked_completion(body, "acme")

    assert f"acme error: {NO}" == caught.value.failure.message


def test_an_error_beside_choices_is_ignored() -> None:
    """Some servers send `error: null`, or a warning, with a good answer."""
    body = {"error": {"message": NO}, "choices": [{"message": MESSAGE}]}

    assert body is checked_completion(body, "acme")


def test_what_is_not_json_cannot_be_decoded() -> None:
    """The error says how the answer starts."""
    with pytest.raises(DecodeError, match="it starts with: <html>"):
        parsed_reply(WireReply(200, {}, b"<html>"), "acme")
    with pytest.raises(DecodeError, match="empty body"):
        parsed_reply(WireReply(204, {}, b""), "acme")
