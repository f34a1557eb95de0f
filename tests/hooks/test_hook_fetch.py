"""The outgoing requests of checks: where they may go, how long, how much."""

from __future__ import annotations

import pytest

from llmroute.hooks.base import FetchError
from llmroute.hooks.fetch import Fetcher
from llmroute.testing import ScriptedTransport, VirtualClock, connection_error, hang, reply


def fetcher(script, hosts=()):
    clock = VirtualClock(auto=True)
    transport = ScriptedTransport(script, clock)
    return Fetcher(transport, clock, hosts), transport


async def failing(fetch, url, **options):
    """The kind of the error."""
    with pytest.raises(FetchError) as caught:
        await fetch("POST", url, **{"timeout": 1.0, **options})
    return caught.value.kind


async def test_an_answer_comes_back_whole():
    """Status, headers in lower case, body; the connection is given back."""
    fetch, transport = fetcher([reply(201, text="done", headers={"X-One": "1"})])

    answer = await fetch("PUT", "https://example.org/a?b=c", headers={"X-Two": "2"}, body=b"{}", timeout=1.0)

    assert (201, b"done", "1") == (answer.status, answer.body, answer.headers["x-one"])
    [sent] = transport.requests
    assert ("PUT", "https://example.org/a?b=c", b"{}", "2") == (
        sent.method,
        sent.url,
        sent.body,
        sent.headers["x-two"],
    )
    assert 0 == transport.open


PRIVATE = [
    "http://10.0.0.1/x",
    "http://127.0.0.1:8000/x",
    "http://localhost/x",
    "http://[::1]/x",
    "http://0x7f000001/x",
    "http://service.internal/x",
    "http://example.org:6379/",
]


@pytest.mark.parametrize("url", PRIVATE)
async def test_urls_out_of_texts_reach_no_private_host(url):
    """The machine itself neither: the URL may be the model's."""
    fetch, transport = fetcher([])

    assert "refused" == await failing(fetch, url)
    assert [] == transport.requests


@pytest.mark.parametrize("url", PRIVATE)
async def test_urls_of_the_config_may(url):
    """They are the host's own word."""
    fetch, _ = fetcher([reply(200)])

    assert 200 == (await fetch("GET", url, timeout=1.0, trusted=True)).status


async def test_the_hosts_of_the_router_are_allowed():
    """`Router(hosts=...)`."""
    fetch, _ = fetcher(reply(200), hosts=("127.0.0.1:8000", "*.internal"))

    assert 200 == (await fetch("GET", "http://127.0.0.1:8000/x", timeout=1.0)).status
    assert 200 == (await fetch("GET", "http://a.internal/x", timeout=1.0)).status
    assert "refused" == await failing(fetch, "http://127.0.0.1:9000/x")


@pytest.mark.parametrize("trusted", [False, True])
@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest/meta-data/",
        "http://metadata.google.internal/",
        "file:///etc/passwd",
        "https://user:key@example.org/",
        "https:///x",
        "https://example.org/a b",
        "not a url",
        "",
        "https://" + "a" * 3_000,
    ],
)
async def test_what_nobody_may_ask(url, trusted):
    """Cloud metadata, other schemes, credentials, malformed URLs."""
    fetch, transport = fetcher([])

    assert "refused" == await failing(fetch, url, trusted=trusted)
    assert [] == transport.requests


@pytest.mark.parametrize("headers", [{"X-A": "a\r\nb"}, {"a b": "x"}, {"X-A": "\U0001f600"}])
async def test_headers_are_headers(headers):
    """Whatever a parameter put into them."""
    fetch, _ = fetcher([])

    assert "refused" == await failing(fetch, "https://example.org/", headers=headers)


async def test_a_slow_answer_is_given_up():
    """The limit is for the whole."""
    fetch, transport = fetcher([hang()])

    assert "timeout" == await failing(fetch, "https://example.org/", timeout=3.0)
    assert 0 == transport.open


async def test_a_large_answer_is_given_up():
    """1 MiB unless the check says otherwise."""
    fetch, transport = fetcher([reply(200, text="x" * 100), reply(200, text="x" * (2**20 + 1))])

    assert "too_large" == await failing(fetch, "https://example.org/", limit=50)
    assert "too_large" == await failing(fetch, "https://example.org/")
    assert 0 == transport.open


async def test_no_connection_is_an_error_of_its_own():
    """As is one that takes too long to come about."""
    fetch, _ = fetcher([connection_error()])
    assert "connection" == await failing(fetch, "https://example.org/")

    fetch, _ = fetcher([hang("connect")])
    assert "timeout" == await failing(fetch, "https://example.org/", timeout=60.0)


async def test_redirects_come_back_as_they_are():
    """Nothing follows them."""
    fetch, transport = fetcher([reply(302, headers={"Location": "http://10.0.0.1/"})])

    assert 302 == (await fetch("GET", "https://example.org/", timeout=1.0)).status
    assert 1 == len(transport.requests)
