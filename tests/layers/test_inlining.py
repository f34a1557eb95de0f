"""Files that a request points to: fetched where the provider cannot, and the host program allows it."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from llmroute import APIStatusError, BadRequestError, FetchPolicy, Router
from llmroute.providers.links import media_type
from llmroute.testing import (
    ScriptedTransport,
    VirtualClock,
    anthropic_completion,
    completion,
    hang,
    reply,
)

PNG = b"\x89PNG\r\n\x1a\n" + b"pixels"
PDF = b"%PDF-1.7 pages"
URL = "https://pictures.example.com/a.png"
BEDROCK = {"provider": "bedrock", "api_key": "k", "aws_region": "us-east-1"}
OLLAMA = {"provider": "ollama", "custom_host": "http://localhost:11434"}
WORKERS = {"provider": "workers-ai", "api_key": "k", "custom_host": "http://localhost:1"}
CLAUDE = {"provider": "vertex-ai", "api_key": "k", "vertex_project_id": "p", "vertex_region": "us"}
CONVERSED = reply(
    json={
        "output": {"message": {"role": "assistant", "content": [{"text": "A cat."}]}},
        "stopReason": "end_turn",
        "usage": {"inputTokens": 1, "outputTokens": 1, "totalTokens": 2},
    }
)


def image(url: str = URL) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url}}


def document(url: str) -> dict[str, Any]:
    return {"type": "file", "file": {"file_url": url, "filename": "a.pdf"}}


def data_url(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


async def sent(
    config: Mapping[str, Any],
    *parts: Any,
    files: Any,
    fetch: Any = True,
    answer: Any = CONVERSED,
    model: str = "anthropic.claude-sonnet-4-5",
    **params: Any,
) -> tuple[Any, ScriptedTransport]:
    """The last request's body, and the transport; `files` are the replies by host."""
    host = str(config.get("custom_host") or "amazonaws.com").rpartition("//")[2].partition(":")[0]
    transport = ScriptedTransport({host: answer, **files})
    transport.keyless = False
    messages = [{"role": "user", "content": [{"type": "text", "text": "What?"}, *parts]}]
    async with Router(config, transport=transport, fetch=fetch) as router:
        await router.chat.completions.create(model=model, messages=messages, **params)
    return transport.requests[-1].json, transport


async def test_bedrock_gets_the_bytes_of_what_is_linked():
    """An image and a PDF, each fetched once, however often it is named."""
    files = {"pictures.example.com": reply(text=PNG), "papers.example.com": reply(text=PDF)}
    paper = document("https://papers.example.com/a.pdf")
    body, transport = await sent(BEDROCK, image(), paper, image(), files=files)

    blocks = body["messages"][0]["content"]
    picture = {"image": {"format": "png", "source": {"bytes": base64.b64encode(PNG).decode()}}}
    assert [picture, picture] == [blocks[1], blocks[3]]
    assert "pdf" == blocks[2]["document"]["format"]
    assert ["GET", "GET", "POST"] == [request.method for request in transport.requests]


@pytest.mark.parametrize("native", [False, True])
async def test_ollama_gets_images_as_data(native: bool):
    """At both of its endpoints."""
    body, _ = await sent(
        OLLAMA,
        image(),
        files={"pictures.example.com": reply(text=PNG)},
        answer=reply(json={"model": "m", "message": {"role": "assistant", "content": "x"}, "done": True})
        if native
        else completion("x"),
        **({"keep_alive": "5m"} if native else {}),
    )

    message = body["messages"][0]
    found = message["images"][0] if native else message["content"][1]["image_url"]["url"]
    assert (base64.b64encode(PNG).decode() if native else data_url("image/png", PNG)) == found


async def test_other_providers_without_urls():
    """Workers AI, and Anthropic's models on Vertex AI."""
    files = {"pictures.example.com": reply(text=PNG)}
    workers = reply(json={"result": {"response": "x"}, "success": True})
    body, _ = await sent(WORKERS, image(), files=files, answer=workers, model="@cf/meta/llama")
    assert data_url("image/png", PNG) == body["messages"][0]["content"][1]["image_url"]["url"]

    claude = {**CLAUDE, "custom_host": "http://localhost:1"}
    body, _ = await sent(
        claude, image(), files=files, answer=anthropic_completion("x"), model="anthropic.claude-x"
    )
    assert "base64" == body["messages"][0]["content"][1]["source"]["type"]


async def test_a_provider_that_takes_urls_gets_the_url():
    """Nothing is fetched for it."""
    config = {"provider": "openai", "api_key": "k", "custom_host": "http://localhost:1"}
    body, transport = await sent(config, image(), files={}, answer=completion("x"))

    assert (URL, 1) == (body["messages"][0]["content"][1]["image_url"]["url"], len(transport.requests))


@pytest.mark.parametrize("config", [BEDROCK, {**OLLAMA, "default_params": {"keep_alive": "5m"}}])
async def test_off_by_default_and_the_error_says_how_to_allow_it(config: Any):
    """A local 400; nothing is contacted."""
    with pytest.raises(BadRequestError, match=r"Router\(fetch=True\)"):
        await sent(config, image(), files={}, fetch=False)


REFUSED = [
    (image("http://pictures.example.com/a.png"), PNG, "only https URLs are fetched"),
    (image("https://10.0.0.5/a.png"), PNG, "not an address of the open Internet"),
    (image("https://127.0.0.1/a.png"), PNG, "not an address of the open Internet"),
    (image("https://localhost/a.png"), PNG, "a name of private networks"),
    (image("https://169.254.169.254/latest"), PNG, "a cloud metadata endpoint"),
    (image("https://u:p@pictures.example.com/a.png"), PNG, "holds credentials"),
    (image("https://pictures.example.com:22/"), PNG, "a port of another kind of service"),
    (image(), b"<html>", "neither a gif, png, jpeg, webp nor pdf file"),
    (image(), PDF, "a file that is no image"),
    (document(URL), b"MZ", "neither a gif, png, jpeg, webp nor pdf file"),
    (image(), PNG + b" " * 1000, "larger than 1000 bytes"),
]


@pytest.mark.parametrize(("part", "file", "problem"), REFUSED)
async def test_what_is_not_fetched_is_a_400(part: Any, file: bytes, problem: str):
    """It names the part, and does not repeat the URL, which may hold a signature."""
    with pytest.raises(BadRequestError, match=problem) as caught:
        await sent(BEDROCK, part, files={"": reply(text=file)}, fetch=FetchPolicy(max_bytes=1000))

    assert "messages[0].content[1]" in str(caught.value)
    assert "invalid_image_url" == caught.value.code
    assert "example.com/" not in str(caught.value)


async def test_all_files_together_have_one_limit():
    """Three files of 400 bytes are more than 1000."""
    parts = [image(f"https://pictures.example.com/{number}") for number in range(3)]
    files = {"pictures.example.com": reply(text=PNG.ljust(400))}
    with pytest.raises(BadRequestError, match="larger than 1000 bytes"):
        await sent(BEDROCK, *parts, files=files, fetch=FetchPolicy(max_bytes=1000))


async def test_at_most_twenty_files():
    """More are not begun."""
    parts = [image(f"https://pictures.example.com/{number}") for number in range(21)]
    with pytest.raises(BadRequestError, match="more than 20 files"):
        await sent(BEDROCK, *parts, files={})


@pytest.mark.parametrize("status", [302, 404, 500])
async def test_only_a_200_is_a_file(status: int):
    """A redirect is not followed: it could lead anywhere."""
    answer = reply(status, text=PNG, headers={"location": "https://10.0.0.5/"})
    with pytest.raises(BadRequestError, match=f"status {status}"):
        await sent(BEDROCK, image(), files={"pictures.example.com": answer})


async def test_a_slow_file_fails_within_its_own_limit():
    """A 400 after the policy's `timeout`; the connection is given up."""
    clock = VirtualClock(auto=True)
    transport = ScriptedTransport({"pictures.example.com": hang(), "amazonaws.com": CONVERSED}, clock)
    transport.keyless = False
    messages = [{"role": "user", "content": [image()]}]
    async with Router(BEDROCK, transport=transport, clock=clock, fetch=FetchPolicy(timeout=2)) as router:
        with pytest.raises(BadRequestError, match="no complete answer within 2000 ms"):
            await router.chat.completions.create(model="anthropic.claude-x", messages=messages)

    assert [True] == [request.closed for request in transport.requests]


async def test_fetching_counts_as_the_attempts_time():
    """A target's `request_timeout` ends it: a 408, after which the next target is asked."""
    clock = VirtualClock(auto=True)
    config = {
        "strategy": {"mode": "fallback"},
        "targets": [{**BEDROCK, "request_timeout": 500}, {"provider": "openai", "api_key": "k"}],
    }
    transport = ScriptedTransport({"pictures.example.com": hang(), "openai.com": completion("x")}, clock)
    transport.keyless = False
    messages = [{"role": "user", "content": [image()]}]
    async with Router(config, transport=transport, clock=clock, fetch=True) as router:
        done = await router.chat.completions.create(model="m", messages=messages)

    assert [408, 200] == [attempt.status for attempt in done.route.attempts]
    assert 0.5 == done.route.attempts[0].duration


async def test_with_hosts_only_these_are_asked():
    """They may be private and serve plain http: the host program named them."""
    policy = FetchPolicy(hosts=["10.0.0.5:8080", "*.pictures.corp"])
    for url in ("http://10.0.0.5:8080/a", "https://a.pictures.corp/a"):
        body, _ = await sent(BEDROCK, image(url), files={"": reply(text=PNG)}, fetch=policy)
        assert "image" in body["messages"][0]["content"][1]
    for url in (URL, "http://10.0.0.5:9/a", "https://pictures.corp/a"):
        with pytest.raises(APIStatusError, match="not one of the hosts"):
            await sent(BEDROCK, image(url), files={}, fetch=policy)


async def test_over_real_http():
    """The real transport reads the file from a server, and asks the provider with it in."""

    async def serve(request: web.Request) -> web.Response:
        if request.method == "GET":
            return web.Response(body=PNG, content_type="text/html")
        seen.append(await request.json())
        return web.json_response(
            {"choices": [{"index": 0, "message": {"role": "assistant", "content": "x"}}]}
        )

    seen: list[Any] = []
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", serve)
    async with TestServer(app) as server:
        host = f"http://127.0.0.1:{server.port}"
        target = {"provider": "ollama", "custom_host": host}
        messages = [{"role": "user", "content": [image(f"{host}/a.png")]}]
        async with Router(target, fetch=FetchPolicy(hosts="127.0.0.1")) as router:
            await router.chat.completions.create(model="m", messages=messages)

    assert data_url("image/png", PNG) == seen[0]["messages"][0]["content"][0]["image_url"]["url"]


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"GIF87a..", "image/gif"),
        (b"GIF89a..", "image/gif"),
        (PNG, "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"),
        (b"RIFF\0\0\0\0WAVEfmt ", None),
        (PDF, "application/pdf"),
        (b"<svg/>", None),
        (b"", None),
    ],
)
def test_types_by_how_files_begin(data: bytes, kind: str | None):
    """Whatever the server calls them."""
    assert kind == media_type(data)


@pytest.mark.parametrize(
    "wrong", [{"max_bytes": 0}, {"timeout": -1}, {"timeout": "5"}, {"hosts": ["http://x"]}]
)
def test_wrong_policies_are_refused(wrong: Any):
    """With a ValueError that says what is wrong."""
    with pytest.raises(ValueError, match=r"must be|is not"):
        FetchPolicy(**wrong)
