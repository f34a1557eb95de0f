"""How a conversation becomes a system prompt and turns."""

from __future__ import annotations

from typing import Any

import pytest
from anthropic_kit import encoded, refusal, request

USER = {"role": "user", "content": "Tide?"}
PNG = "iVBORw0KGgo="
MARK = {"type": "ephemeral", "ttl": "1h"}


def call(identifier: str = "call_1", arguments: Any = '{"a":1}', name: str = "tide") -> dict[str, Any]:
    return {"id": identifier, "type": "function", "function": {"name": name, "arguments": arguments}}


def assistant(*calls: dict[str, Any], **members: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": None, "tool_calls": list(calls), **members}


def result(identifier: str = "call_1", content: Any = "4.2", **members: Any) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": identifier, "content": content, **members}


def turns(*messages: Any, **params: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = encoded(list(messages), **params)["messages"]
    return found


def part(block: dict[str, Any]) -> dict[str, Any]:
    """What a user's content part becomes."""
    found: dict[str, Any] = turns({"role": "user", "content": [block]})[0]["content"][0]
    return found


def text(content: str) -> dict[str, Any]:
    return {"type": "text", "text": content}


# -- turns -------------------------------------------------------------------


def test_neighbours_of_one_side_share_a_turn() -> None:
    """Texts stay apart as blocks; a lone text stays a text."""
    found = turns(
        {"role": "user", "content": "a"},
        {"role": "user", "content": [{"type": "text", "text": "b"}]},
        {"role": "assistant", "content": "c"},
        {"role": "assistant", "content": "d"},
        {"role": "user", "content": "e"},
    )

    assert [
        {"role": "user", "content": [text("a"), text("b")]},
        {"role": "assistant", "content": [text("c"), text("d")]},
        {"role": "user", "content": "e"},
    ] == found


def test_results_come_first_in_their_turn() -> None:
    """Also when the user spoke before them."""
    found = turns(USER, assistant(call("c1"), call("c2")), USER, result("c1"), result("c2"))

    assert ["tool_result", "tool_result", "text"] == [block["type"] for block in found[2]["content"]]
    assert ["c1", "c2"] == [block["tool_use_id"] for block in found[2]["content"][:2]]


def test_system_and_developer_messages_are_gathered() -> None:
    """From anywhere, parts and all, after the native parameter."""
    body = encoded(
        [
            {"role": "developer", "content": "a"},
            USER,
            {"role": "system", "content": [{"type": "text", "text": "b", "cache_control": MARK}]},
        ],
        system="native",
    )

    assert [text("native"), text("a"), {**text("b"), "cache_control": MARK}] == body["system"]
    assert [USER] == body["messages"]


def test_blank_texts_are_left_out() -> None:
    """The API refuses them, and they say nothing."""
    found = turns(
        {"role": "system", "content": " "},
        {"role": "user", "content": [text(""), text("x"), text(" \n")]},
        {"role": "assistant", "content": ""},
        {"role": "user", "content": "  "},
        {"role": "user", "content": "y"},
    )

    assert [{"role": "user", "content": [text("x"), text("y")]}] == found


def test_a_prefill_loses_its_blank_end() -> None:
    """The API refuses a final assistant text that ends in white space."""
    assert [text("1, 2,")] == turns(USER, {"role": "assistant", "content": "1, 2, \n"})[1]["content"]


# -- parts -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (
            {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}},
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}},
        ),
        (
            {"type": "image_url", "image_url": {"url": f"DATA:image/jpg;a=b;BASE64,{PNG}", "detail": "auto"}},
            {"type": "image", "source": {"type": "base64", "media_type": "image/jpeg", "data": PNG}},
        ),
        (
            {"type": "image_url", "image_url": {"url": "data:image/gif,GIF%38"}},
            {"type": "image", "source": {"type": "base64", "media_type": "image/gif", "data": "R0lGOA=="}},
        ),
        (
            {"type": "image_url", "image_url": "https://example.org/a.png", "cache_control": MARK},
            {
                "type": "image",
                "source": {"type": "url", "url": "https://example.org/a.png"},
                "cache_control": MARK,
            },
        ),
        (
            {
                "type": "file",
                "file": {"file_data": "data:application/pdf;base64,JVBERi0=", "filename": "a.pdf"},
            },
            {
                "type": "document",
                "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0="},
                "title": "a.pdf",
            },
        ),
        (
            {
                "type": "file",
                "file": {"file_data": "aMOp", "filename": "a.txt"},
                "citations": {"enabled": True},
            },
            {
                "type": "document",
                "source": {"type": "text", "media_type": "text/plain", "data": "hé"},
                "title": "a.txt",
                "citations": {"enabled": True},
            },
        ),
        (
            {"type": "file", "file": {"file_data": "JVBERi0="}},
            {
                "type": "document",
                "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0="},
            },
        ),
        (
            {"type": "file", "file": {"file_id": "file_1"}},
            {"type": "document", "source": {"type": "file", "file_id": "file_1"}},
        ),
        (
            {"type": "file", "file": {"file_id": "file_1", "filename": "a.PNG"}},
            {"type": "image", "source": {"type": "file", "file_id": "file_1"}},
        ),
        (
            {"type": "file", "file": {"file_url": "https://example.org/a", "mime_type": "image/webp"}},
            {"type": "image", "source": {"type": "url", "url": "https://example.org/a"}},
        ),
        ({"type": "text", "text": "x", "cache_control": MARK}, {**text("x"), "cache_control": MARK}),
        ({"type": "search_result", "source": "s"}, {"type": "search_result", "source": "s"}),
    ],
)
def test_a_part_becomes_a_block(given: dict[str, Any], expected: dict[str, Any]) -> None:
    assert expected == part(given)


@pytest.mark.parametrize(
    "given",
    [
        {"type": "input_audio", "input_audio": {"data": "", "format": "wav"}},
        {"type": "video_url", "video_url": {"url": "https://example.org/a.mp4"}},
        {"type": "image_url"},
        {"type": "image_url", "image_url": {"url": ""}},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64"}},
        {"type": "image_url", "image_url": {"url": "data:video/mp4;base64,AAAA"}},
        {"type": "file", "file": 5},
        {"type": "file", "file": {}},
        {"type": "file", "file": {"file_data": "data:text/plain;base64,!!!"}},
        {"type": "file", "file": {"file_data": "data:text/plain;base64,/w=="}},
        {"type": "text", "text": 5},
        {"type": ["text"]},
        {},
        "text",
        None,
    ],
)
def test_a_part_that_cannot_be_expressed_is_refused_by_place(given: Any) -> None:
    """It is not dropped: an answer without it would be about something else."""
    error = refusal([USER, {"role": "user", "content": [text("x"), given]}])

    assert (error.param or "").startswith("messages[1].content[1]")


def test_the_detail_of_an_image_is_told() -> None:
    """There is no such choice."""
    image = {"type": "image_url", "image_url": {"url": "https://example.org/a.png", "detail": "low"}}

    assert request([{"role": "user", "content": [image]}]).warnings[0].startswith("image_url.detail")


# -- tool calls --------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ('{"a": [1, null]}', {"a": [1, None]}),
        ("", {}),
        (" ", {}),
        (None, {}),
        ({"a": 1}, {"a": 1}),
        ('{"n": 9007199254740993}', {"n": 9007199254740993}),
    ],
)
def test_arguments_become_an_input(arguments: Any, expected: dict[str, Any]) -> None:
    """Nothing and blank text are the empty object; large numbers keep their digits."""
    assert expected == turns(USER, assistant(call(arguments=arguments)), result())[1]["content"][0]["input"]


@pytest.mark.parametrize("arguments", ["{oops", "[1]", '"x"', "1", 5, "NaN", "[" * 2000])
def test_arguments_that_are_no_object_are_refused_by_place(arguments: Any) -> None:
    error = refusal([USER, assistant(call(), call("c2", arguments)), result()])

    assert "messages[1].tool_calls[1].function.arguments" == error.param


def test_ids_of_other_providers_are_made_fit() -> None:
    """Call and result keep to each other, and different ids stay different."""
    ids = ["functions.tide:0", "functions.tide_0", "x" * 200, "x" * 201, "é"]
    found = turns(USER, assistant(*map(call, ids)), *map(result, ids))
    made = [block["id"] for block in found[1]["content"]]

    assert made == [block["tool_use_id"] for block in found[2]["content"]]
    assert len(ids) == len(set(made))
    assert all(len(each) <= 128 and each.isascii() and "." not in each for each in made)


def test_a_result_keeps_its_parts_and_marks() -> None:
    """Texts and images, an error mark, a cache mark; nothing is also a result."""
    parts = [text("a"), {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}]
    found = turns(
        USER,
        assistant(call("c1"), call("c2"), call("c3")),
        result("c1", parts, cache_control=MARK),
        result("c2", "boom", is_error=True),
        result("c3", None),
    )
    first, second, third = found[2]["content"]

    assert ["text", "image"] == [block["type"] for block in first["content"]]
    assert MARK == first["cache_control"]
    assert ("boom", True) == (second["content"], second["is_error"])
    assert {"type": "tool_result", "tool_use_id": "c3"} == third


def test_the_older_function_calls_are_tool_calls() -> None:
    """The result finds its call by name, also when the name comes twice."""
    older = {"role": "assistant", "content": "Look.", "function_call": {"name": "tide", "arguments": "{}"}}
    answer = {"role": "function", "name": "tide", "content": "4.2"}
    found = turns(USER, older, answer, older, answer)
    first, second = found[1]["content"][1], found[3]["content"][1]

    assert "tool_use" == first["type"]
    assert [first["id"], second["id"]] == [found[k]["content"][0]["tool_use_id"] for k in (2, 4)]
    assert first["id"] != second["id"]


def test_free_text_calls_of_the_past_are_kept() -> None:
    """Their text is the member `input`."""
    custom = {"id": "c1", "type": "custom", "custom": {"name": "shell", "input": "ls"}}
    block = turns(USER, assistant(custom), result("c1"))[1]["content"][0]

    assert ("shell", {"input": "ls"}) == (block["name"], block["input"])


def test_refusals_of_the_past_are_texts() -> None:
    """As member and as part."""
    found = turns(
        USER,
        {"role": "assistant", "content": None, "refusal": "No."},
        USER,
        {"role": "assistant", "content": [{"type": "refusal", "refusal": "No!"}]},
    )

    assert [text("No."), text("No!")] == found[1]["content"] + found[3]["content"]


@pytest.mark.parametrize(
    ("messages", "where"),
    [
        (5, "messages"),
        ([], "messages"),
        ([5], "messages[0]"),
        ([{"role": "narrator", "content": "x"}], "messages[0].role"),
        ([{"content": "x"}], "messages[0].role"),
        ([{"role": ["user"], "content": "x"}], "messages[0].role"),
        ([{"role": "user"}], "messages[0].content"),
        ([{"role": "user", "content": 5}], "messages[0].content"),
        ([{"role": "system", "content": None}], "messages[0].content"),
        ([USER, assistant(5)], "messages[1].tool_calls[0]"),  # type: ignore[arg-type]
        ([USER, assistant({"id": "c"})], "messages[1].tool_calls[0].function"),
        ([USER, assistant({"function": {"name": "f"}})], "messages[1].tool_calls[0].id"),
        ([USER, {"role": "assistant", "tool_calls": 5}], "messages[1].tool_calls"),
        ([USER, {"role": "tool", "content": "x"}], "messages[1].tool_call_id"),
        ([USER, {"role": "tool", "tool_call_id": "c", "content": 5}], "messages[1].content"),
        (
            [USER, {"role": "assistant", "content": "x", "content_blocks": [5]}],
            "messages[1].content_blocks[0]",
        ),
    ],
)
def test_what_is_no_conversation_is_refused_by_place(messages: Any, where: str) -> None:
    """A local 400; nothing was sent."""
    assert where == refusal(messages).param


def test_names_and_audio_of_messages_are_told_once() -> None:
    """The API knows neither; the same loss is told once."""
    named = {"role": "user", "content": "x", "name": "ada"}
    spoken = {"role": "assistant", "content": "y", "audio": {"id": "a"}}
    warnings = request([named, spoken, named, USER]).warnings

    assert ["messages[].name", "messages[].audio"] == [each.split()[0] for each in warnings]
