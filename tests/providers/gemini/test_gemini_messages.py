"""What messages become: turns, parts, instructions, calls and results."""

from __future__ import annotations

from typing import Any

import gemini_kit as kit
import pytest

USER = {"role": "user", "content": "Hi"}
IMAGE = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{kit.PIXEL}"}}
INLINE = {"inlineData": {"mimeType": "image/png", "data": kit.PIXEL}}


def contents(*messages: Any, **params: Any) -> list[dict[str, Any]]:
    return kit.encoded([*messages], **params)["contents"]


def parts(*content: Any, **params: Any) -> list[dict[str, Any]]:
    """The parts of a user's message with these content parts."""
    return contents({"role": "user", "content": [*content]}, **params)[0]["parts"]


def asked(*names: str, **members: Any) -> dict[str, Any]:
    """An answer that calls functions, ids c0, c1, ..."""
    calls = [
        {"id": f"c{i}", "type": "function", "function": {"name": name, "arguments": "{}"}}
        for i, name in enumerate(names)
    ]
    return {"role": "assistant", "content": None, "tool_calls": calls, **members}


def result(id: str, content: Any, **members: Any) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": id, "content": content, **members}


# -- turns -------------------------------------------------------------------


def test_instructions_are_gathered_wherever_they_stand() -> None:
    """All system and developer messages, all parts."""
    body = kit.encoded(
        [
            {"role": "system", "content": "a"},
            USER,
            {"role": "developer", "content": [{"type": "text", "text": "b"}, {"type": "text", "text": "c"}]},
        ]
    )

    assert {"role": "system", "parts": [{"text": "a"}, {"text": "b"}, {"text": "c"}]} == body[
        "systemInstruction"
    ]
    assert [{"role": "user", "parts": [{"text": "Hi"}]}] == body["contents"]


def test_a_lone_instruction_is_a_turn_of_the_user() -> None:
    """The API wants a turn to answer to."""
    body = kit.encoded([{"role": "system", "content": "Say hello."}])

    assert {"contents": [{"role": "user", "parts": [{"text": "Say hello."}]}]} == body


@pytest.mark.parametrize(
    ("model", "role"), [("gemini-pro", "system"), ("gemini-1.0-pro", "system"), ("gemma-3-27b-it", "user")]
)
def test_models_without_instructions_get_them_as_turns(model: str, role: str) -> None:
    """Gemini 1.0 as recorded, Gemma 3 in the user's name."""
    body = kit.encoded([{"role": "system", "content": "s"}, USER], model=model)

    assert "systemInstruction" not in body
    assert (role, {"text": "s"}) == (body["contents"][0]["role"], body["contents"][0]["parts"][0])


def test_neighbours_of_one_role_are_one_turn() -> None:
    """Except for the vision models of Gemini 1.0."""
    assert [{"role": "user", "parts": [{"text": "Hi"}, {"text": "Hi"}]}] == contents(USER, USER)
    assert 2 == len(contents(USER, USER, model="gemini-pro-vision"))


@pytest.mark.parametrize("content", [None, []])
def test_a_message_without_content_is_no_turn(content: Any) -> None:
    """The API refuses turns without parts."""
    got = contents(USER, {"role": "assistant", "content": content}, {"role": "user", "content": content})

    assert [{"role": "user", "parts": [{"text": "Hi"}]}] == got


def test_refusals_are_said_again() -> None:
    """As a member or as a part of an answer."""
    said = [
        {"role": "assistant", "content": None, "refusal": "No."},
        {"role": "assistant", "content": [{"type": "refusal", "refusal": "Never."}]},
    ]

    assert [{"text": "No."}, {"text": "Never."}] == contents(USER, *said)[1]["parts"]


def test_thoughts_of_other_providers_are_left_out() -> None:
    """Neither blocks in the content nor reasoning text can be sent to another model."""
    said = {
        "role": "assistant",
        "content": [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "42"}],
        "reasoning_content": "hm",
        "content_blocks": [{"type": "thinking", "thinking": "hm"}],
    }

    assert [{"text": "42"}] == contents(USER, said)[1]["parts"]


@pytest.mark.parametrize(
    ("messages", "place"),
    [
        ([], "messages"),
        ("Hi", "messages"),
        (None, "messages"),
        ([{"role": "user", "content": []}], "messages"),
        ([USER, 3], "messages[1].role"),
        ([{"role": "narrator", "content": "x"}], "messages[0].role"),
        ([{"role": "user", "content": 3}], "messages[0].content"),
        ([{"role": "user", "content": [3]}], "messages[0].content[0]"),
        ([{"role": "user", "content": [{"type": "text"}]}], "messages[0].content[0].text"),
        ([{"role": "user", "content": [{"type": "hologram"}]}], "messages[0].content[0]"),
        ([{"role": "user", "content": [{"type": "image_url"}]}], "messages[0].content[0].image_url"),
        (
            [{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}],
            "messages[0].content[0].image_url.url",
        ),
        (
            [{"role": "user", "content": [{"type": "image_url", "image_url": "data:x"}]}],
            "messages[0].content[0].image_url",
        ),
        (
            [{"role": "user", "content": [{"type": "image_url", "image_url": "data:,\ud800"}]}],
            "messages[0].content[0].image_url",
        ),
        ([{"role": "user", "content": [{"type": "input_audio"}]}], "messages[0].content[0].input_audio"),
        ([{"role": "user", "content": [{"type": "file", "file": {}}]}], "messages[0].content[0].file"),
        (
            [{"role": "user", "content": [{"type": "file", "file": {"file_id": "file-abc"}}]}],
            "messages[0].content[0].file.file_id",
        ),
        ([{"role": "system", "content": [IMAGE]}, USER], "messages[0]"),
        ([USER, {"role": "assistant", "tool_calls": {"a": 1}}], "messages[1].tool_calls"),
        ([USER, {"role": "assistant", "content": None, "tool_calls": [1]}], "messages[1].tool_calls[0]"),
        (
            [USER, {"role": "assistant", "content": None, "tool_calls": [{"function": {}}]}],
            "messages[1].tool_calls[0]",
        ),
        (
            [USER, {"role": "assistant", "content": None, "tool_calls": [{"function": {"name": ""}}]}],
            "messages[1].tool_calls[0].function.name",
        ),
        ([USER, result("c0", "4.2")], "messages[1].tool_call_id"),
        ([USER, {"role": "tool", "content": "4.2"}], "messages[1].tool_call_id"),
    ],
)
def test_a_message_that_cannot_be_expressed_is_refused(messages: Any, place: str) -> None:
    """With a 400 that names the place."""
    assert place == kit.refusal(messages).param


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ({**USER, "name": "ada"}, "messages[0].name"),
        (
            {"role": "user", "content": [{"type": "text", "text": "a", "cache_control": {}}]},
            "messages[0].content[0].cache_control",
        ),
        (
            {"role": "user", "content": [{**IMAGE, "image_url": {**IMAGE["image_url"], "detail": "low"}}]},
            "messages[0].content[0].image_url.detail",
        ),
    ],
)
def test_a_hint_that_cannot_be_carried_is_told(message: Any, told: str) -> None:
    """Names of speakers, marks for caches, the detail of an image."""
    assert [told] == kit.lost([message])


def test_warnings_are_bounded() -> None:
    """However long the conversation."""
    assert 32 == len(kit.lost([{**USER, "name": "ada"}] * 1000))


# -- parts -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ("plain", {"text": "plain"}),
        (IMAGE, INLINE),
        ({"type": "image_url", "image_url": IMAGE["image_url"]["url"]}, INLINE),
        (
            {"type": "image_url", "image_url": {"url": f"DATA:image/PNG;charset=utf-8;base64,{kit.PIXEL}"}},
            INLINE,
        ),
        (
            {"type": "image_url", "image_url": {"url": "data:,a%20b"}},
            {"inlineData": {"mimeType": "text/plain", "data": "YSBi"}},
        ),
        (
            {"type": "image_url", "image_url": {"url": kit.PIXEL}},
            {"inlineData": {"mimeType": "image/jpeg", "data": kit.PIXEL}},
        ),
        ({"type": "image_url", "image_url": {"url": kit.PIXEL, "mime_type": "image/png"}}, INLINE),
        (
            {"type": "image_url", "image_url": {"url": "https://x.example/pier.JPG?size=2#a.png"}},
            {"fileData": {"mimeType": "image/jpeg", "fileUri": "https://x.example/pier.JPG?size=2#a.png"}},
        ),
        (
            {"type": "image_url", "image_url": {"url": "gs://b/a", "mime_type": "image/png"}},
            {"fileData": {"mimeType": "image/png", "fileUri": "gs://b/a"}},
        ),
        (
            {"type": "image_url", "image_url": {"url": "https://x.example/png"}},
            {"fileData": {"fileUri": "https://x.example/png"}},
        ),
        (
            {"type": "video_url", "video_url": {"url": "https://youtu.be/1"}},
            {"fileData": {"fileUri": "https://youtu.be/1"}},
        ),
        (
            {"type": "input_audio", "input_audio": {"data": "UklG", "format": "mp3"}},
            {"inlineData": {"mimeType": "audio/mp3", "data": "UklG"}},
        ),
        (
            {"type": "input_audio", "input_audio": {"data": "UklG", "format": "a/b"}},
            {"inlineData": {"mimeType": "audio/wav", "data": "UklG"}},
        ),
        (
            {"type": "input_audio", "input_audio": {"data": "data:audio/ogg;base64,UklG"}},
            {"inlineData": {"mimeType": "audio/ogg", "data": "UklG"}},
        ),
        (
            {"type": "file", "file": {"file_data": "data:application/pdf;base64,JVBE"}},
            {"inlineData": {"mimeType": "application/pdf", "data": "JVBE"}},
        ),
        (
            {"type": "file", "file": {"file_data": "JVBE", "filename": "a.csv"}},
            {"inlineData": {"mimeType": "text/csv", "data": "JVBE"}},
        ),
        (
            {"type": "file", "file": {"file_data": "JVBE"}},
            {"inlineData": {"mimeType": "application/pdf", "data": "JVBE"}},
        ),
        (
            {"type": "file", "file": {"file_url": "https://x.example/f", "filename": "a.pdf"}},
            {"fileData": {"mimeType": "application/pdf", "fileUri": "https://x.example/f"}},
        ),
        (
            {"type": "file", "file": {"file_id": "files/abc"}},
            {"fileData": {"fileUri": "https://generativelanguage.googleapis.com/v1beta/files/abc"}},
        ),
    ],
)
def test_a_part(part: Any, expected: dict[str, Any]) -> None:
    """Media by their bytes or their URL, with the media type that was given or can be told by the name."""
    assert [expected] == parts(part)


# -- calls and results -------------------------------------------------------


def test_a_call_keeps_text_id_and_arguments() -> None:
    """The text beside it comes first."""
    said = {
        "role": "assistant",
        "content": "Looking.",
        "tool_calls": [
            {"id": "c0", "type": "function", "function": {"name": "tide", "arguments": '{"at": "é"}'}}
        ],
    }

    expected = [{"text": "Looking."}, {"functionCall": {"id": "c0", "name": "tide", "args": {"at": "é"}}}]
    assert {"role": "model", "parts": expected} == contents(USER, said)[1]


def test_a_call_without_the_member_content() -> None:
    """The same as with a content of null."""
    said = asked("tide")
    del said["content"]

    assert contents(USER, asked("tide")) == contents(USER, said)


@pytest.mark.parametrize(
    ("arguments", "args"),
    [
        ("", {}),
        (" ", {}),
        (None, {}),
        ("{}", {}),
        ({"a": 1}, {"a": 1}),
        ('{"n": 9007199254740993}', {"n": 9007199254740993}),
    ],
)
def test_arguments(arguments: Any, args: dict[str, Any]) -> None:
    """No text is no arguments; integers keep their digits."""
    said = {
        "role": "assistant",
        "tool_calls": [{"id": "c", "function": {"name": "f", "arguments": arguments}}],
    }

    assert args == contents(USER, {**said, "content": None})[1]["parts"][0]["functionCall"]["args"]


@pytest.mark.parametrize("arguments", ["{oops", "[1]", "7", 7, "\x00"])
def test_arguments_that_are_no_object_are_refused(arguments: Any) -> None:
    """Naming the message and the call."""
    said = {
        "role": "assistant",
        "content": "",
        "tool_calls": [{"function": {"name": "f", "arguments": arguments}}],
    }

    error = kit.refusal([USER, said])
    assert ("messages[1].tool_calls[0].function.arguments", "invalid_json") == (error.param, error.code)


def test_a_call_of_a_custom_tool() -> None:
    """Its text is the one argument that such a tool is declared with."""
    said = {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "c", "type": "custom", "custom": {"name": "f", "input": "x"}}],
    }

    assert {"id": "c", "name": "f", "args": {"input": "x"}} == contents(USER, said)[1]["parts"][0][
        "functionCall"
    ]


def test_a_call_in_the_legacy_form() -> None:
    """`function_call` and a message of role function, which know no ids."""
    said = {"role": "assistant", "content": None, "function_call": {"name": "tide", "arguments": "{}"}}
    got = contents(USER, said, {"role": "function", "name": "tide", "content": "4.2"})

    assert {"functionCall": {"name": "tide", "args": {}}} == got[1]["parts"][0]
    assert {"functionResponse": {"name": "tide", "response": {"output": "4.2"}}} == got[2]["parts"][0]


def test_results_of_parallel_calls_answer_together() -> None:
    """In one turn, each under the name of the function that its id stands for."""
    got = contents(
        USER,
        asked("tide", "wind"),
        result("c1", "W"),
        result("c0", [{"type": "text", "text": "4"}, {"type": "text", "text": "m"}]),
    )

    assert [
        {"functionResponse": {"id": "c1", "name": "wind", "response": {"output": "W"}}},
        {"functionResponse": {"id": "c0", "name": "tide", "response": {"output": "4\nm"}}},
    ] == got[2]["parts"]


@pytest.mark.parametrize(
    ("model", "role"),
    [
        ("gemini-2.5-flash", "function"),
        (kit.CURRENT, "user"),
        ("gemini-flash-latest", "user"),
        ("gemma-4-31b-it", "user"),
    ],
)
def test_the_role_of_results(model: str, role: str) -> None:
    """Models after Gemini 2 refuse the role function; results stay a turn of their own."""
    got = contents(USER, asked("tide"), result("c0", "4"), USER, model=model)

    assert ["user", "model", role, "user"] == [turn["role"] for turn in got]


def test_ids_may_come_again() -> None:
    """The last call with an id is the one that is answered."""
    got = contents(USER, asked("tide"), result("c0", "4"), asked("wind"), result("c0", "W"))

    assert ["tide", "wind"] == [got[i]["parts"][0]["functionResponse"]["name"] for i in (2, 4)]


def test_an_image_in_a_result() -> None:
    """Gemini 3 takes it inside of the result; before, it comes with the user's next turn."""
    messages = [
        USER,
        asked("snap", "tide"),
        result("c0", [{"type": "text", "text": "see"}, IMAGE]),
        result("c1", "4"),
    ]

    current = contents(*messages, model=kit.CURRENT)[2]["parts"][0]["functionResponse"]
    assert ({"output": "see"}, [INLINE]) == (current["response"], current["parts"])
    earlier = contents(*messages, {"role": "user", "content": "Well?"})
    assert ["user", "model", "function", "user"] == [turn["role"] for turn in earlier]
    assert [INLINE, {"text": "Well?"}] == earlier[3]["parts"]
    assert [INLINE] == contents(*messages)[3]["parts"]
