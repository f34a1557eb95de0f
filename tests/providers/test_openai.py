"""OpenAICompatible: what it sends, what it makes of answers and streams."""

from __future__ import annotations

import json
from typing import Any

import openai_kit as kit
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmroute.providers.base import DecodeError, EncodeError, ReplyError
from llmroute.secret import Secret

CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}


# -- requests ----------------------------------------------------------------


def test_everything_is_sent_as_it_came() -> None:
    """Unknown parameters, nulls and values out of range included; the caller's dict is left alone."""
    params = {
        "model": "m-1",
        "messages": [{"role": "developer", "content": "x"}],
        "temperature": 9,
        "new": {"a": [1]},
        "stop": None,
    }
    before = json.dumps(params)

    assert params == json.loads(kit.target().encode(params, "k").body)
    assert before == json.dumps(params)


def test_the_key_goes_into_the_authorization_header() -> None:
    """As a bearer token without the blanks around it; without a key there is no header."""
    adapter = kit.target()

    assert "Bearer sk-1" == adapter.encode(kit.PARAMS, " sk-1\n").headers["Authorization"]
    assert "Bearer sk-2" == adapter.encode(kit.PARAMS, "sk-2").headers["Authorization"]
    assert {"Content-Type": "application/json"} == adapter.encode(kit.PARAMS, None).headers


def test_url_and_headers_are_kept_between_calls() -> None:
    """Building them is not paid for by every call, however many keys there are."""
    adapter = kit.target()
    first, second = adapter.encode(kit.PARAMS, "k"), adapter.encode(kit.PARAMS, "k")

    assert first.url is second.url
    assert first.headers is second.headers
    for number in range(100):
        assert f"Bearer k{number}" == adapter.encode(kit.PARAMS, f"k{number}").headers["Authorization"]


@pytest.mark.parametrize(
    ("base", "url"),
    [
        (None, "https://api.openai.com/v1/chat/completions"),
        ("http://h/v1", "http://h/v1/chat/completions"),
        ("http://h/v1/", "http://h/v1/chat/completions"),
        ("http://h", "http://h/chat/completions"),
        ("http://h:8080/a%2Fb", "http://h:8080/a%2Fb/chat/completions"),
        ("http://h/v1?api-version=1&x=%20", "http://h/v1/chat/completions?api-version=1&x=%20"),
        ("http://h/v1#top", "http://h/v1/chat/completions"),
        ("http://[::1]:9/v1", "http://[::1]:9/v1/chat/completions"),
    ],
)
def test_the_path_follows_the_host(base: str | None, url: str) -> None:
    """One slash between them, a query behind them, nothing re-encoded."""
    assert url == str(kit.request(settings={"base_url": base}).url)


@pytest.mark.parametrize(
    "base",
    ["h/v1", "ftp://h", "http://", "http://h:99999", "http://h/a b", "http://h/\r\nx: y", "http://[x]/"],
)
def test_a_host_that_is_no_url_is_refused(base: str) -> None:
    """Before anything is sent, naming the member."""
    with pytest.raises(EncodeError) as caught:
        kit.request(settings={"base_url": base})

    assert "custom_host" == caught.value.param


def test_options_become_headers() -> None:
    """Texts and secrets where they are set, and no empty ones."""
    options = {"openai_organization": "org-1", "openai_project": Secret("p-1"), "openai_beta": ""}
    headers = kit.request(settings={"options": options}).headers

    assert "org-1" == headers["OpenAI-Organization"]
    assert "p-1" == headers["OpenAI-Project"]
    assert "OpenAI-Beta" not in headers


def test_header_injection_is_refused() -> None:
    """Neither a key nor an option may hold a line end; the error does not show the value."""
    with pytest.raises(EncodeError) as caught:
        kit.target().encode(kit.PARAMS, "sk-1\r\nx-evil: 1")
    assert "api_key" == caught.value.param
    assert "sk-1" not in caught.value.message

    with pytest.raises(EncodeError):
        kit.request(settings={"options": {"openai_organization": "a\nb"}})


def test_what_json_cannot_carry_is_refused() -> None:
    """A request that cannot be written is the caller's error; lone surrogates can be."""
    with pytest.raises(EncodeError):
        kit.request(extra={1, 2})
    assert "\ud800" == kit.sent(extra="\ud800")["extra"]


def test_the_newer_name_of_the_limit_wins_where_only_the_older_is_known() -> None:
    """`max_completion_tokens` becomes `max_tokens`; null does not hide a number."""
    assert 20 == kit.sent("deepseek", max_completion_tokens=20)["max_tokens"]
    assert 20 == kit.sent("deepseek", max_completion_tokens=20, max_tokens=10)["max_tokens"]
    assert 10 == kit.sent("deepseek", max_completion_tokens=None, max_tokens=10)["max_tokens"]
    assert "max_completion_tokens" not in kit.sent("deepseek", max_completion_tokens=20)
    assert 20 == kit.sent("groq", max_completion_tokens=20)["max_completion_tokens"]


@pytest.mark.parametrize("provider", ["novita-ai", "together-ai"])
def test_a_limit_that_nobody_asked_for_is_told(provider: str) -> None:
    """The row's default of `max_tokens` is a warning of the request; a limit of the caller's is none."""
    wire = kit.request(provider)
    assert 128 == json.loads(wire.body)["max_tokens"]
    assert (f"max_tokens: {provider} is sent 128, as none was given",) == wire.warnings
    answered = [*kit.HELLO, {"role": "assistant", "content": "Hi", "reasoning_content": "Hm"}, *kit.HELLO]
    assert "max_tokens" == kit.request(provider, messages=answered).warnings[0].partition(":")[0]
    for params in ({"max_tokens": 5}, {"max_completion_tokens": 5}):
        assert () == kit.request(provider, **params).warnings
    assert () == kit.request(provider, {"passthrough": True}).warnings


def test_the_developer_speaks_as_system_where_there_is_no_developer() -> None:
    """Only the role changes, and only in the copy."""
    messages = [{"role": "developer", "content": "x"}, {"role": "user", "content": "y"}]

    assert ["system", "user"] == [m["role"] for m in kit.sent("groq", messages=messages)["messages"]]
    assert "developer" == messages[0]["role"]


def test_openrouter_gets_effort_and_usage_in_its_own_places() -> None:
    """Folded into `reasoning` and `usage` without hiding what stands there."""
    body = kit.sent(
        "openrouter",
        reasoning_effort="low",
        reasoning={"max_tokens": 5},
        stream_options={"include_usage": True, "x": 1},
    )

    assert {"effort": "low", "max_tokens": 5} == body["reasoning"]
    assert {"include": True} == body["usage"]
    assert {"x": 1} == body["stream_options"]
    assert "reasoning_effort" not in body
    assert "stream_options" not in kit.sent("openrouter", stream_options={"include_usage": True})


def test_passthrough_sends_the_body_as_it_is() -> None:
    """No renaming, no roles, no defaults."""
    params = {"max_completion_tokens": 5, "messages": [{"role": "developer", "content": "x"}]}

    assert {**kit.PARAMS, **params} == kit.sent("together-ai", {"passthrough": True}, **params)


def test_another_providers_state_stays_here() -> None:
    """`provider_state` on messages and tool calls is not sent to servers that cannot read it."""
    message = {
        "role": "assistant",
        "content": "x",
        "provider_state": {"origin": "google", "data": "s"},
        "tool_calls": [{**CALL, "provider_state": {"origin": "google", "data": "s"}}],
    }
    before = json.dumps(message)
    sent = kit.sent(messages=[message, *kit.HELLO])["messages"]

    assert {"role": "assistant", "content": "x", "tool_calls": [CALL]} == sent[0]
    assert before == json.dumps(message)


@pytest.mark.parametrize(
    ("provider", "settings", "kept", "warned"),
    [
        ("openai", {}, {}, True),
        ("groq", {}, {}, True),
        ("cerebras", {}, {"reasoning": "hm"}, False),
        ("deepseek", {}, {"reasoning_content": "hm"}, False),
        ("openai", {"base_url": "http://vllm/v1"}, {"reasoning_content": "hm"}, False),
    ],
)
def test_past_reasoning_is_sent_under_the_name_that_the_provider_takes(
    provider: str, settings: dict[str, Any], kept: dict[str, str], warned: bool
) -> None:
    """Some require it, some call it otherwise, some refuse the whole request for it."""
    message = {"role": "assistant", "content": "x", "reasoning_content": "hm"}
    wire = kit.request(provider, settings, messages=[message])

    assert {"role": "assistant", "content": "x", **kept} == json.loads(wire.body)["messages"][0]
    assert warned == bool(wire.warnings)


@given(
    st.dictionaries(
        st.sampled_from(
            ["messages", "reasoning", "usage", "stream_options", "reasoning_effort", "max_tokens"]
        ),
        st.recursive(
            st.none() | st.text(max_size=5) | st.integers(-5, 5),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(st.sampled_from(["role", "content", "tool_calls", "include_usage"]), inner)
            ),
            max_leaves=10,
        ),
    )
)
def test_any_body_can_be_encoded(params: dict[str, Any]) -> None:
    """Members of the wrong type are the provider's to judge."""
    for provider in ("openai", "openrouter", "cerebras", "predibase", "bytez"):
        assert kit.request(provider, **params).body


# -- whole answers -----------------------------------------------------------


def decode(body: Any, provider: str = "openai", status: int = 200, **settings: Any) -> dict[str, Any]:
    return kit.target(provider, **settings).decode(kit.reply(body, status), kit.PARAMS)


def test_an_answer_keeps_all_its_members() -> None:
    """Unknown ones too; OpenAI's own answers get nothing added."""
    body = kit.completion(x_new={"a": [1]}, usage={"prompt_tokens": 1, "cost": 0.1}, error=None)

    assert body == decode(body)
    assert body == decode(body, status=201)
    assert {**body, "provider": "groq"} == decode(body, "groq")


def test_missing_members_are_filled() -> None:
    """The kind of object, the position of a choice, the role, and the time from the Date header."""
    adapter = kit.target()
    bare = {"choices": [{"message": {"content": "a"}}, {"message": {"content": "b"}}]}
    dated = adapter.decode(kit.reply(bare, date="Tue, 14 Nov 2023 22:13:20 GMT"), kit.PARAMS)

    assert ("chat.completion", 1700000000) == (dated["object"], dated["created"])
    assert [0, 1] == [choice["index"] for choice in dated["choices"]]
    assert "assistant" == dated["choices"][0]["message"]["role"]
    assert 0 == adapter.decode(kit.reply(bare, date="today"), kit.PARAMS)["created"]


def test_the_name_of_an_inner_provider_is_kept_beside_ours() -> None:
    """OpenRouter says which host it chose."""
    body = decode(kit.completion(provider="SomeHost"), "openrouter")

    assert ("openrouter", "SomeHost") == (body["provider"], body["upstream_provider"])


def test_members_of_the_router_cannot_be_forged() -> None:
    """`hook_results` and `route` of an upstream are dropped."""
    assert {"hook_results", "route"}.isdisjoint(decode(kit.completion(hook_results={}, route={})))


def test_reasoning_has_one_name() -> None:
    """What comes as `reasoning` is also `reasoning_content`."""
    message = decode(kit.completion({"content": "x", "reasoning": "hm"}), "groq")["choices"][0]["message"]

    assert ("hm", "hm") == (message["reasoning"], message["reasoning_content"])


def test_finish_reasons_are_mapped_when_strict() -> None:
    """Upstream's own is kept beside OpenAI's; a target that is not strict passes it on."""
    body = kit.completion()
    body["choices"][0]["finish_reason"] = "eos"
    strict = decode(body, "together-ai")["choices"][0]

    assert ("stop", "eos") == (strict["finish_reason"], strict["native_finish_reason"])
    assert "eos" == decode(body, "together-ai", strict=False)["choices"][0]["finish_reason"]


def test_perplexity_finishes_as_recorded() -> None:
    """Whole answers have an empty finish reason there; the real one is kept, and streams have it."""
    choice = decode(kit.completion(citations=["u"]), "perplexity-ai")["choices"][0]
    chunks, _ = kit.decoded(kit.event(kit.chunk({"content": "x"}, "stop")), "perplexity-ai")

    assert ("", "stop") == (choice["finish_reason"], choice["native_finish_reason"])
    assert "stop" == chunks[0]["choices"][0]["finish_reason"]


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"null", b"[1]", b'{"choices":[', {"id": "x"}, b"data: {}\n\n"]
)
def test_an_answer_that_is_no_completion_is_refused(body: Any) -> None:
    """Whatever its content type says."""
    with pytest.raises(DecodeError):
        decode(body)


def test_an_error_in_a_good_status_is_raised() -> None:
    """With the provider's members."""
    with pytest.raises(ReplyError) as caught:
        decode({"error": {"message": "no", "type": "t", "code": 7}})

    assert ("openai error: no", "t", 7) == (
        caught.value.failure.message,
        caught.value.failure.type,
        caught.value.failure.code,
    )


def test_a_byte_order_mark_and_other_content_types_do_no_harm() -> None:
    """JSON is JSON."""
    data = b"\xef\xbb\xbf" + json.dumps(kit.completion()).encode()
    reply = kit.reply(data, **{"content-type": "text/plain"})

    assert "Paris" == kit.target().decode(reply, kit.PARAMS)["choices"][0]["message"]["content"]


# -- streams -----------------------------------------------------------------

FIRST = kit.event(kit.chunk({"role": "assistant", "content": ""}))
PIECES = [kit.event(kit.chunk({"content": text})) for text in ("Pa", "ri", "s \u00e9\U0001f30d")]
LAST = kit.event(kit.chunk({}, "stop"))
USAGE = kit.event(kit.chunk({}) | {"choices": [], "usage": {"total_tokens": 3}})
GOOD = b"".join([FIRST, *PIECES, LAST, USAGE, kit.DONE])
TEXT = "Paris \u00e9\U0001f30d"


@pytest.mark.parametrize("step", [None, 1, 7, 64])
def test_a_stream_is_the_same_however_it_is_cut(step: int | None) -> None:
    """Upstream's own chunks come out, the end mark is seen."""
    chunks, decoder = kit.decoded(GOOD, step=step)

    assert [json.loads(part[6:]) for part in GOOD.split(b"\n\n")[:-2]] == chunks
    assert TEXT == kit.text_of(chunks)
    assert (True, None) == (decoder.done, decoder.failure)


@pytest.mark.parametrize(
    "data",
    [
        GOOD.replace(b"\n", b"\r\n"),
        GOOD.replace(b"\n", b"\r"),
        b"\xef\xbb\xbf" + GOOD,
        b"\n\n  \n" + GOOD,
        GOOD.replace(b"data: ", b"data:"),
        GOOD.replace(b"data: {", b": ping\ndata: {"),
        GOOD.replace(b"data: {", b"event: message\nid: 7\ndata: {"),
        b": keep-alive\n\n" + GOOD,
        GOOD.removesuffix(b"\n\n"),
        GOOD.replace(b"[DONE]", b"[DONE] "),
        GOOD.replace(b"data: [", b"data:\n\ndata: ["),
        GOOD + kit.DONE + b"junk",
        GOOD + FIRST,
        b"".join([FIRST, *PIECES, LAST]),
    ],
)
@pytest.mark.parametrize("step", [None, 1])
def test_all_legal_forms_of_a_stream_are_read(data: bytes, step: int | None) -> None:
    """Line ends, comments, names and ids, a missing end mark after a finish reason, what follows the end."""
    chunks, decoder = kit.decoded(data, step=step)

    assert TEXT == kit.text_of(chunks)
    assert decoder.failure is None


@pytest.mark.parametrize(
    ("tail", "kind", "text"),
    [
        (kit.event({"error": {"message": "no", "type": "t", "code": "c"}}), "status", "openai error: no"),
        (kit.event({"error": "no"}), "status", "openai error: no"),
        (kit.event({"object": "error", "message": "no"}), "status", "openai error: no"),
        (b'{"error":{"message":"no"}}\n\n', "status", "openai error: no"),
        (b'{"error":{"message":"no"}}', "status", "openai error: no"),
        (kit.event({**kit.chunk({}, "error"), "error": {"message": "no"}}), "status", "openai error: no"),
        (kit.event(b'{"choices":[{"delta":') + LAST, "parse", "not JSON"),
        (kit.event(b"null") + LAST, "parse", "no JSON object"),
        (kit.event(b"[1]") + LAST, "parse", "no JSON object"),
        (kit.event(b"7") + LAST, "parse", "no JSON object"),
        (kit.event(b"overloaded") + LAST, "parse", "overloaded"),
        (kit.event(b'{"a":' * 100_000) + LAST, "parse", "not JSON"),
        (kit.event(b"[" * 600 + b"]" * 600) + LAST, "parse", "not JSON"),
        (kit.event({**kit.chunk({}), "choices": "x"}), "parse", "choices"),
        (kit.event({**kit.chunk({}), "choices": [7]}), "parse", "choice"),
        (kit.event(kit.chunk("x")), "parse", "delta"),
        (kit.event(kit.chunk({"content": 7})), "parse", "content"),
        (kit.event(kit.chunk({"reasoning_content": {}})), "parse", "reasoning_content"),
        (kit.event(kit.chunk({"tool_calls": {}})), "parse", "tool_calls"),
        (kit.event(kit.chunk({"tool_calls": [7]})), "parse", "tool call"),
        (kit.event(kit.chunk({"tool_calls": [{"index": 1024}]})), "parse", "index"),
        (kit.event(kit.chunk({}, index=-1)), "parse", "index"),
        (kit.event(kit.chunk({}, index=10**9)), "parse", "index"),
        (kit.event(kit.chunk({}, finish_reason=7)), "parse", "finish reason"),
        (b"", "interrupted", "before it was complete"),
        (LAST[:40], "interrupted", "before it was complete"),
        (b"data: [DO", "interrupted", "before it was complete"),
    ],
)
@pytest.mark.parametrize("step", [None, 1])
def test_what_goes_wrong_within_a_stream_is_its_failure(
    tail: bytes, kind: str, text: str, step: int | None
) -> None:
    """The chunks before it are handed on; nothing after it is."""
    chunks, decoder = kit.decoded(FIRST + b"".join(PIECES) + tail, step=step)

    assert TEXT == kit.text_of(chunks)
    assert decoder.failure is not None
    assert kind == decoder.failure.kind
    assert text in decoder.failure.message
    assert not decoder.done
    assert [] == decoder.feed(GOOD) + decoder.close()


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"", "interrupted"),
        (b": ping\n\n: ping\n\n", "interrupted"),
        (kit.DONE, "parse"),
        (b"<html><body>502</body></html>", "parse"),
        (b"upstream connect error", "interrupted"),
        (b'{"id":', "parse"),
        (b"[1]", "parse"),
        (b'{"id":"x"}', "parse"),
        (b'{"error":{"message":"no"}}', "status"),
        (b'\n [{"error":{"message":"no","code":400}}]', "status"),
    ],
)
@pytest.mark.parametrize("step", [None, 1])
def test_an_answer_that_is_no_stream_is_a_failure(data: bytes, kind: str, step: int | None) -> None:
    """Nothing at all, comments, an end mark alone, pages of text, JSON that is no completion."""
    chunks, decoder = kit.decoded(data, step=step)

    assert [] == chunks
    assert decoder.failure is not None
    assert kind == decoder.failure.kind


@pytest.mark.parametrize("step", [None, 5])
def test_a_whole_answer_to_a_stream_request_becomes_chunks(step: int | None) -> None:
    """Message, finish reason, usage: as if it had been streamed."""
    message = {"role": "assistant", "content": "x", "reasoning": "hm", "tool_calls": [CALL]}
    body = kit.completion(message, usage={"total_tokens": 3}, system_fingerprint="fp")
    chunks, decoder = kit.decoded(b"\n" + json.dumps(body).encode(), step=step)

    assert decoder.failure is None
    assert [None, "stop"] == [chunk["choices"][0]["finish_reason"] for chunk in chunks]
    assert {**message, "reasoning_content": "hm", "tool_calls": [{"index": 0, **CALL}]} == chunks[0][
        "choices"
    ][0]["delta"]
    assert {"total_tokens": 3} == chunks[-1]["usage"]
    assert "usage" not in chunks[0]
    assert {"chat.completion.chunk"} == {chunk["object"] for chunk in chunks}
    assert {"fp"} == {chunk["system_fingerprint"] for chunk in chunks}


def test_an_endless_event_or_answer_is_too_large() -> None:
    """Memory stays bounded: 16 MiB for an event, 64 MiB for an answer in one piece."""
    block = b"x" * 2**20
    for start, limit in ((b"data: ", 17), (b'{"x":"', 65)):
        decoder = kit.target().decoder(kit.PARAMS)
        decoder.feed(start)
        for _ in range(limit):
            assert [] == decoder.feed(block)
        assert decoder.failure is not None
        assert "too_large" == decoder.failure.kind


def test_chunks_are_completed_and_cleaned() -> None:
    """Missing kind, index, delta and choices are filled; members of the router are dropped."""
    data = (
        kit.event({"choices": [{}, {"delta": None}], "route": 1, "hook_results": {}})
        + kit.event({"choices": None, "usage": {"total_tokens": 1}})
        + kit.event(kit.chunk({"tool_calls": [{"id": "a"}, {"id": "b"}]}, "tool_calls"))
    )
    chunks, decoder = kit.decoded(data)

    assert decoder.failure is None
    assert {
        "object": "chat.completion.chunk",
        "created": 0,
        "choices": [{"index": 0, "delta": {}}, {"index": 1, "delta": {}}],
    } == chunks[0]
    assert [] == chunks[1]["choices"]
    assert [0, 1] == [call["index"] for call in chunks[2]["choices"][0]["delta"]["tool_calls"]]


def test_content_in_parts_becomes_text() -> None:
    """Some servers stream lists of parts."""
    chunks, _ = kit.decoded(kit.event(kit.chunk({"content": [{"type": "text", "text": "a"}, "b", 7]})))

    assert "ab" == kit.text_of(chunks)


def test_particular_streams_are_read_by_the_row() -> None:
    """Groq's usage, Hyperbolic's name of the delta, Together's finish reason."""
    usage = kit.chunk({}, "stop") | {"x_groq": {"usage": {"total_tokens": 9}}}
    groq, _ = kit.decoded(kit.event(usage), "groq")
    aliased = kit.chunk({}, "stop")
    aliased["choices"][0]["message"] = {"content": "x"}
    del aliased["choices"][0]["delta"]
    hyperbolic, _ = kit.decoded(kit.event(aliased), "hyperbolic")
    together, _ = kit.decoded(kit.event(kit.chunk({}, "eos")), "together-ai")
    loose, _ = kit.decoded(kit.event(kit.chunk({}, "eos")), "together-ai", strict=False)

    assert {"total_tokens": 9} == groq[0]["usage"]
    assert {"content": "x"} == hyperbolic[0]["choices"][0]["delta"]
    assert ("stop", "eos") == (
        together[0]["choices"][0]["finish_reason"],
        together[0]["choices"][0]["native_finish_reason"],
    )
    assert "eos" == loose[0]["choices"][0]["finish_reason"]


@given(st.binary(max_size=300), st.integers(1, 50))
def test_any_bytes_end_in_chunks_or_a_failure(data: bytes, step: int) -> None:
    """Nothing is raised, and an end that is none is told."""
    _, decoder = kit.decoded(data, step=step)

    assert decoder.done or decoder.failure is not None


CHUNK = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2000) | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["choices", "delta", "index", "content", "tool_calls", "finish_reason", "usage", "error"]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=15,
)


@given(
    st.lists(
        st.dictionaries(st.sampled_from(["choices", "error", "usage", "object", "x_groq"]), CHUNK), max_size=3
    )
)
def test_any_json_gives_chunks_of_the_promised_shape(values: list[Any]) -> None:
    """Choices with bounded indices and deltas of text, or a failure."""
    for provider in ("openai", "groq", "hyperbolic", "together-ai"):
        chunks, _ = kit.decoded(b"".join(map(kit.event, values)), provider)
        for choice in (choice for chunk in chunks for choice in chunk["choices"]):
            assert 0 <= choice["index"] < 1024
            assert isinstance(choice["delta"].get("content", ""), (str, type(None)))
            assert all(0 <= call["index"] < 1024 for call in choice["delta"].get("tool_calls") or [])
