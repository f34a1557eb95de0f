"""inlineImageUrls: images behind URLs become part of the request."""

from __future__ import annotations

from base64 import b64encode

import pytest
from ask_kit import Service, after, asked, before, built, reply, services, unreachable

from llmroute.hooks.checks.inline_image_urls import image_type

PNG = b"\x89PNG\r\n\x1a\n" + b"x" * 20
URL = "https://img.example/a.png?sig=s3cret"


def image(url, **more):
    return {"type": "image_url", "image_url": {"url": url, **more}}


async def inlined(service, *parts, context=None, **parameters):
    check = built("inlineImageUrls", parameters, services(service))
    return await asked(check, context or before([{"type": "text", "text": "what?"}, *parts]))


async def test_an_image_is_put_into_the_request():
    """As a data URL of the type that the file has; the other members of the part stay."""
    verdict = await inlined(Service(reply(PNG)), image(URL, detail="low"))

    expected = f"data:image/png;base64,{b64encode(PNG).decode()}"
    assert {"url": expected, "detail": "low"} == verdict.request["messages"][0]["content"][1]["image_url"]
    assert (True, None, 1) == (verdict.passed, verdict.error, verdict.data["inlined"])


async def test_images_of_the_whole_conversation_count_and_equal_ones_are_fetched_once():
    """Earlier messages are sent again with every call."""
    service = Service(reply(PNG))
    parts = [image(URL), image(URL), {"type": "image_url", "image_url": URL}]
    messages = [
        {"role": "user", "content": parts},
        {"role": "assistant", "content": "a"},
        {"role": "user", "content": "b"},
    ]

    verdict = await inlined(service, context=before(request={"messages": messages}))

    assert 1 == len(service.calls)
    content = verdict.request["messages"][0]["content"]
    assert all("data:image/png" in str(part) for part in content)
    assert isinstance(content[2]["image_url"], str)
    assert URL in str(messages)


async def test_the_url_is_never_trusted():
    """It is the caller's word: private addresses are refused, and the size is limited."""
    service = Service(reply(PNG))

    await inlined(service, image(URL), maxSizeBytes=1000)

    [call] = service.calls
    assert (False, 1000) == (call.get("trusted", False), call["limit"])


@pytest.mark.parametrize(
    "answer",
    [
        reply(b"<html>", 200, **{"content-type": "image/png"}),
        reply(PNG, 404),
        reply(PNG, 302),
        unreachable(),
        unreachable("refused"),
        unreachable("too_large"),
    ],
)
async def test_an_image_that_cannot_be_had_stays_a_url(answer):
    """The verdict stays true, with an error for the hook's policy, and no secret of the URL in the report."""
    verdict = await inlined(Service(answer), image(URL))

    assert (True, None) == (verdict.passed, verdict.request)
    assert verdict.error is not None
    assert "s3cret" not in str(verdict.data)


async def test_one_failure_does_not_keep_the_others_out():
    """What could be fetched is put in."""
    good = "https://img.example/b.png"
    service = Service(lambda method, url: reply(PNG) if url == good else reply(b"", 404))

    verdict = await inlined(service, image(URL), image(good))

    parts = verdict.request["messages"][0]["content"]
    assert [URL, True] == [parts[1]["image_url"]["url"], parts[2]["image_url"]["url"].startswith("data:")]
    assert verdict.error is not None


async def test_nothing_is_fetched_without_need():
    """Data URLs, other providers, answers, and too many images."""
    service = Service(reply(PNG))
    many = [image(f"https://img.example/{index}") for index in range(4)]

    assert None is (await inlined(service, image("data:image/png;base64,AA"))).request
    assert None is (await inlined(service, image(URL), providers=["anthropic"])).request
    assert None is (await inlined(service, context=after("a"))).request
    assert (await inlined(service, *many, maxImages=3)).error is not None
    assert [] == service.calls


async def test_all_images_together_are_limited():
    """Twice the size of one."""
    big = PNG + b"x" * 100
    parts = [image(f"https://img.example/{index}") for index in range(3)]

    verdict = await inlined(Service(reply(big)), *parts, maxSizeBytes=len(big))

    assert (2, 1) == (verdict.data["inlined"], len(verdict.data["failed"]))


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (PNG, "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"GIF89a..", "image/gif"),
        (b"RIFF\x00\x00\x00\x00WEBP", "image/webp"),
        (b"\x00\x00\x00\x18ftypheic", "image/heic"),
        (b"\x00\x00\x00\x18ftypmp42", None),
        (b"<svg", None),
        (b"", None),
    ],
)
def test_the_kind_of_an_image_is_read_from_the_file(data, expected):
    """Whatever the server calls it."""
    assert expected == image_type(data)
