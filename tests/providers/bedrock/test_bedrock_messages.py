"""Conversations: who says what, tools and their results, files, reasoning, and what is refused."""

from __future__ import annotations

from typing import Any

import bedrock_kit as kit
import pytest

PNG = "data:image/png;base64,iVBORw0KGgo="
CALL = {"id": "call_1", "type": "function", "function": {"name": "tide", "arguments": '{"harbour":"Brest"}'}}
TOOLS = [
    {"type": "function", "function": {"name": "tide", "parameters": {"type": "object", "properties": {}}}}
]


def turns(*messages: dict[str, Any], **params: Any) -> list[tuple[str, Any]]:
    """The turns of a request as (role, content)."""
    body = kit.encoded(list(messages), **params)
    return [(turn["role"], turn["content"]) for turn in body["messages"]]


def user(*parts: Any) -> dict[str, Any]:
    return {"role": "user", "content": list(parts)}


def blocks(*parts: Any, **params: Any) -> Any:
    """The content blocks of one user message."""
    ((_, content),) = turns(user(*parts), **params)
    return content


# -- turns -------------------------------------------------------------------


def test_neighbours_of_one_side_become_one_turn() -> None:
    """Converse wants user and assistant to alternate."""
    found = turns(
        {"role": "user", "content": "a"},
        {"role": "user", "content": "b"},
        {"role": "assistant", "content": "c"},
        {"role": "assistant", "content": "d"},
        {"role": "user", "content": "e"},
    )

    assert [
        ("user", [{"text": "a"}, {"text": "b"}]),
        ("assistant", [{"text": "c"}, {"text": "d"}]),
        ("user", [{"text": "e"}]),
    ] == found


def test_system_and_developer_messages_are_gathered() -> None:
    """From anywhere in the conversation, after a `system` parameter of the caller's."""
    body = kit.encoded(
        [
            {"role": "system", "content": "b"},
            {"role": "user", "content": "Hi"},
            {"role": "developer", "content": [{"type": "text", "text": "c"}]},
        ],
        system="a",
    )

    assert [{"text": "a"}, {"text": "b"}, {"text": "c"}] == body["system"]
    assert [{"role": "user", "content": [{"text": "Hi"}]}] == body["messages"]


def test_a_system_prompt_alone_is_asked_by_the_user() -> None:
    """A conversation needs a user's turn."""
    body = kit.encoded([{"role": "system", "content": "Say hello."}])

    assert [{"role": "user", "content": [{"text": "Say hello."}]}] == body["messages"]
    assert "system" not in body


@pytest.mark.parametrize("blank", ["", "  \n", [], [{"type": "text", "text": " "}]])
def test_blank_texts_are_left_out(blank: Any) -> None:
    """Converse refuses them, and they say nothing."""
    found = turns({"role": "user", "content": blank}, {"role": "user", "content": "Hi"})

    assert [("user", [{"text": "Hi"}])] == found


def test_a_prefill_loses_the_blanks_at_its_end() -> None:
    """The API refuses a last assistant turn that ends with blanks."""
    found = turns({"role": "user", "content": "Hi"}, {"role": "assistant", "content": "It is \n"})

    assert ("assistant", [{"text": "It is"}]) == found[-1]


def test_the_name_of_a_speaker_is_told_as_lost() -> None:
    """Converse knows no names; those of tools are in the calls."""
    assert ["messages[].name"] == kit.lost([{"role": "user", "name": "ann", "content": "Hi"}])
    assert [] == kit.lost(
        [*kit.HELLO, {"role": "assistant", "content": None, "tool_calls": [CALL]}, result("x", name="tide")],
        tools=TOOLS,
    )


# -- tools -------------------------------------------------------------------


def result(content: Any, call: str = "call_1", **members: Any) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": call, "content": content, **members}


def loop(*results: dict[str, Any], calls: Any = (CALL,), **message: Any) -> list[dict[str, Any]]:
    said = {"role": "assistant", "content": None, "tool_calls": list(calls), **message}
    return [*kit.HELLO, said, *results]


def test_parallel_results_share_the_turn_after_their_calls() -> None:
    """And what the user says next belongs to it too."""
    second = {**CALL, "id": "call_2"}
    found = turns(
        *loop(result("1"), result("2", "call_2"), {"role": "user", "content": "So?"}, calls=(CALL, second)),
        tools=TOOLS,
    )

    assert ["user", "assistant", "user"] == [role for role, _ in found]
    assert [
        {"toolResult": {"toolUseId": "call_1", "content": [{"text": "1"}]}},
        {"toolResult": {"toolUseId": "call_2", "content": [{"text": "2"}]}},
        {"text": "So?"},
    ] == found[2][1]


def test_text_stands_before_the_calls() -> None:
    """As OpenAI's messages have it."""
    found = turns(*loop(result("1"), content="Let me see."), tools=TOOLS)

    assert ["text", "toolUse"] == [next(iter(block)) for block in found[1][1]]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("", []),
        (None, []),
        ([], []),
        ('{"m": 4.2}', [{"text": '{"m": 4.2}'}]),
        ([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}], [{"text": "a"}, {"text": "b"}]),
        ([{"type": "json", "json": {"m": 4}}], [{"json": {"m": 4}}]),
        (
            [{"type": "image_url", "image_url": {"url": PNG}}],
            [{"image": {"format": "png", "source": {"bytes": "iVBORw0KGgo="}}}],
        ),
    ],
)
def test_results_of_tools(content: Any, expected: Any) -> None:
    """Texts, JSON and images; nothing is an empty list, as empty text is refused."""
    found = turns(*loop(result(content)), tools=TOOLS)

    assert [{"toolResult": {"toolUseId": "call_1", "content": expected}}] == found[2][1]


def test_a_failed_tool_is_marked_where_the_model_knows_the_mark() -> None:
    """`status` exists for Claude and Nova; for others the loss is told."""
    messages = loop(result("no", is_error=True))

    assert "error" == turns(*messages, tools=TOOLS)[2][1][0]["toolResult"]["status"]
    assert ["messages[].is_error"] == kit.lost(messages, tools=TOOLS, model="meta.llama3-1-70b-instruct-v1:0")


@pytest.mark.parametrize("id", ["a b", "x" * 65, "é", "call.1:2", "", None])
def test_ids_of_other_providers_fit(id: Any) -> None:
    """Call and result keep the same id, whatever it was; without one there is nothing to answer."""
    messages = loop(result("1", id), calls=({**CALL, "id": id},))
    if not id:
        assert "messages[1].tool_calls[0].id" == kit.refusal(messages, tools=TOOLS).param
        return
    found = turns(*messages, tools=TOOLS)
    called, answered = found[1][1][0]["toolUse"]["toolUseId"], found[2][1][0]["toolResult"]["toolUseId"]

    assert called == answered
    assert len(called) <= 64
    assert called.isascii()


def test_different_ids_stay_different() -> None:
    """A digest of the whole id is part of the one that is sent."""
    ids = ["y" * 70 + "1", "y" * 70 + "2"]
    found = turns(*loop(calls=[{**CALL, "id": id} for id in ids]), tools=TOOLS)

    assert 2 == len({block["toolUse"]["toolUseId"] for block in found[1][1]})


@pytest.mark.parametrize("arguments", ["not json", "[1]", "7", '{"a":', "NaN"])
def test_arguments_that_are_no_object_are_refused(arguments: str) -> None:
    """With the place in the conversation."""
    call = {**CALL, "function": {"name": "tide", "arguments": arguments}}
    error = kit.refusal(loop(result("1"), calls=(call,)), tools=TOOLS)

    assert "messages[1].tool_calls[0].function.arguments" == error.param


def test_big_integers_in_arguments_stay_whole() -> None:
    """They are more than JavaScript's numbers hold."""
    call = {**CALL, "function": {"name": "tide", "arguments": '{"n":9007199254740993}'}}
    body = kit.request(loop(result("1"), calls=(call,)), tools=TOOLS).body

    assert b'{"n":9007199254740993}' in body


def test_the_deprecated_function_call() -> None:
    """A call by name and its result; the id is made here."""
    found = turns(
        *kit.HELLO,
        {"role": "assistant", "content": None, "function_call": CALL["function"]},
        {"role": "function", "name": "tide", "content": "4.2"},
        functions=[TOOLS[0]["function"]],
    )

    assert {"toolUseId": "call_1", "name": "tide", "input": {"harbour": "Brest"}} == found[1][1][0]["toolUse"]
    assert {"toolUseId": "call_1", "content": [{"text": "4.2"}]} == found[2][1][0]["toolResult"]


# -- files -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("png", "png"), ("jpeg", "jpeg"), ("jpg", "jpeg"), ("gif", "gif"), ("webp", "webp")],
)
def test_images_as_data_urls(kind: str, expected: str) -> None:
    """The four formats of Converse."""
    part = {"type": "image_url", "image_url": {"url": f"data:image/{kind};base64,QUJD", "detail": "auto"}}

    assert [{"image": {"format": expected, "source": {"bytes": "QUJD"}}}] == blocks(part)


def test_images_in_s3() -> None:
    """Amazon fetches them itself."""
    part = {"type": "image_url", "image_url": {"url": "s3://bucket/a.webp"}}

    assert [{"image": {"format": "webp", "source": {"s3Location": {"uri": "s3://bucket/a.webp"}}}}] == blocks(
        part
    )


@pytest.mark.parametrize(
    "url", ["https://e.org/a.png", "http://e.org/a.png", "gs://b/c", "/etc/passwd", "", None]
)
def test_other_places_of_images_are_refused(url: Any) -> None:
    """Converse takes no URLs of the web; nothing is fetched here."""
    error = kit.refusal([user({"type": "image_url", "image_url": {"url": url}})])

    assert "messages[0].content[0].image_url.url" == error.param


def test_the_detail_of_an_image_is_told_as_lost() -> None:
    """Converse has no such choice."""
    part = {"type": "image_url", "image_url": {"url": PNG, "detail": "high"}}

    assert ["image_url.detail"] == kit.lost([user(part)])


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        (
            {"filename": "Tide table.pdf", "file_data": "data:application/pdf;base64,QUJD"},
            ("pdf", "Tide table"),
        ),
        ({"filename": "a.b(1)[2]-c.csv", "file_data": "QUJD"}, ("csv", "a b(1)[2]-c")),
        ({"file_data": "data:text/plain,abc%20d"}, ("txt", "document")),
        ({"file_data": "QUJD"}, ("pdf", "document")),
        ({"filename": "../../x\r\n<b>.xlsx", "file_data": "QUJD"}, ("xlsx", "x b")),
        ({"filename": "notes.md", "file_data": "QUJD"}, ("md", "notes")),
        ({"filename": "x", "file_data": "QUJD", "mime_type": "text/html"}, ("html", "x")),
    ],
)
def test_documents(file: dict[str, Any], expected: tuple[str, str]) -> None:
    """The format by media type or ending, and a name of allowed characters without the ending."""
    (block,) = blocks({"type": "file", "file": file})

    assert expected == (block["document"]["format"], block["document"]["name"])
    assert block["document"]["source"]["bytes"]


def test_documents_have_different_names() -> None:
    """Two of the same name in one conversation are refused by the API."""
    part = {"type": "file", "file": {"filename": "a.pdf", "file_data": "QUJD"}}
    body = kit.encoded([user(part, part), {"role": "assistant", "content": "Hm"}, user(part)])
    names = [b["document"]["name"] for turn in body["messages"] for b in turn["content"] if "document" in b]

    assert ["a", "a (2)", "a (3)"] == names


def test_documents_with_citations() -> None:
    """Converse's own members go along."""
    part = {
        "type": "file",
        "file": {"filename": "a.pdf", "file_data": "QUJD"},
        "citations": {"enabled": True},
        "context": "A table",
    }
    (block,) = blocks(part)

    assert {"enabled": True} == block["document"]["citations"]
    assert "A table" == block["document"]["context"]


def test_videos_and_files_in_s3() -> None:
    """With the owner of the bucket, where the caller names one."""
    part = {
        "type": "file",
        "file": {"file_url": "s3://b/c.mov", "filename": "c.mov", "bucket_owner": "1" * 12},
    }
    place = {"uri": "s3://b/c.mov", "bucketOwner": "1" * 12}

    assert [{"video": {"format": "mov", "source": {"s3Location": place}}}] == blocks(part)


@pytest.mark.parametrize(
    "file",
    [
        {},
        {"file_id": "file-1"},
        {"file_url": "https://e.org/a.pdf"},
        {"file_data": "QUJD", "mime_type": "application/zip"},
        {"file_data": "data:application/pdf;base64"},
        "a.pdf",
    ],
)
def test_other_files_are_refused(file: Any) -> None:
    """There is no place for files of their own id, of the web, or of unknown kinds."""
    assert str(kit.refusal([user({"type": "file", "file": file})]).param).startswith(
        "messages[0].content[0].file"
    )


@pytest.mark.parametrize(
    ("model", "hears"),
    [
        (kit.CLAUDE, False),
        (kit.NOVA, False),
        ("openai.gpt-oss-120b-1:0", False),
        ("mistral.voxtral-mini-3b-2507", True),
        ("amazon.nova-2-omni-v1:0", True),
    ],
)
def test_sound_is_for_models_that_hear(model: str, hears: bool) -> None:
    """For others the loss is told."""
    messages = [user({"type": "text", "text": "x"}, {"type": "input_audio", "input_audio": AUDIO})]
    content = kit.encoded(messages, model=model)["messages"][0]["content"]

    assert hears == ({"audio": {"format": "wav", "source": {"bytes": "QUJD"}}} in content)
    assert ([] if hears else ["input_audio"]) == kit.lost(messages, model=model)


AUDIO = {"data": "QUJD", "format": "wav"}


# -- caching -----------------------------------------------------------------

MARK = {"type": "ephemeral"}


def test_cache_points_follow_what_is_to_be_cached() -> None:
    """On parts, on whole messages, on calls and results; a lifetime is kept."""
    point = {"cachePoint": {"type": "default"}}
    messages = loop(result("1", cache_control=MARK), calls=({**CALL, "cache_control": MARK},))
    messages[0] = {"role": "user", "content": "Hi", "cache_control": {**MARK, "ttl": "1h"}}
    found = turns(*messages, tools=TOOLS)

    assert {"cachePoint": {"type": "default", "ttl": "1h"}} == found[0][1][1]
    assert [point, point] == [found[1][1][1], found[2][1][1]]
    part = {"type": "text", "text": "a", "cache_control": MARK}
    assert [{"text": "a"}, point, {"text": "b"}] == blocks(part, {"type": "text", "text": "b"})


def test_cache_points_are_for_models_that_cache() -> None:
    """Others refuse the request, so the loss is told instead; Nova caches no tools."""
    messages = [user({"type": "text", "text": "a", "cache_control": MARK})]
    tools = [{**TOOLS[0], "cache_control": MARK}]

    assert ["cache_control"] == kit.lost(messages, model="meta.llama3-1-70b-instruct-v1:0")
    assert ["tools[].cache_control"] == kit.lost(messages, model=kit.NOVA, tools=tools)
    assert [] == kit.lost(messages, model=kit.CLAUDE, tools=tools)


# -- native parts ------------------------------------------------------------


def test_blocks_of_converse_go_through() -> None:
    """With or without a `type` beside them."""
    guard = {"guardContent": {"text": {"text": "x", "qualifiers": ["query"]}}}

    assert [guard, {"text": "a"}, guard] == blocks(guard, {"text": "a"}, {"type": "guardContent", **guard})


@pytest.mark.parametrize("part", [{}, {"type": "hologram"}, {"type": None, "x": 1}, "text", None, 7])
def test_unknown_parts_are_refused(part: Any) -> None:
    """With their place."""
    assert "messages[0].content[0]" == kit.refusal([user(part)]).param


@pytest.mark.parametrize("messages", [None, "Hi", {}, 7, ["Hi"], [None], [{"role": 7, "content": "x"}]])
def test_what_is_no_conversation_is_refused(messages: Any) -> None:
    """Never an exception of another kind."""
    assert str(kit.refusal(messages).param).startswith("messages")


def test_refusals_and_lost_media_of_assistants() -> None:
    """What the model once said counts; sound and images it made cannot go back."""
    said = {"role": "assistant", "content": None, "refusal": "No.", "audio": {"id": "a"}, "images": [1]}

    assert ("assistant", [{"text": "No."}]) == turns(*kit.HELLO, said)[1]
    assert ["messages[].audio", "messages[].images"] == kit.lost([*kit.HELLO, said])
