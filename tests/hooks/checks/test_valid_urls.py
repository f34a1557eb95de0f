"""validUrls: are the URLs of a text there?"""

from __future__ import annotations

import asyncio

import pytest
from ask_kit import Service, after, asked, built, problems_of, reply, services, unreachable

from llmroute.hooks.support.urls import clean_urls, recorded_urls


def answering(**by_host):
    """A service with a status or an exception for each host."""

    def answer(method, url):
        given = by_host[url.split("/")[2].split(".")[0]]
        given = given.get(method, 405) if isinstance(given, dict) else given
        return given if isinstance(given, Exception) else reply(b"", given)

    return Service(answer)


async def judged(service, text, **parameters):
    return await asked(built("validUrls", parameters, services(service)), after(text))


async def test_every_url_is_asked_for():
    """With HEAD, three seconds each, never trusted; the verdict is that all are there."""
    service = answering(a=200, b=404)

    verdict = await judged(service, "see https://a.example/x and https://b.example/y, ok")

    assert False is verdict.passed
    assert (["https://a.example/x"], ["https://b.example/y"]) == (
        verdict.data["validUrls"],
        verdict.data["invalidUrls"],
    )
    assert {("HEAD", 3.0, False)} == {
        (call["method"], call["timeout"], call.get("trusted", False)) for call in service.calls
    }
    assert {"User-Agent": "URLValidator/1.0"} == service.calls[0]["headers"]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (200, True),
        (204, True),
        (301, True),
        (308, True),
        (304, False),
        (403, False),
        (404, False),
        (500, False),
        (unreachable(), False),
        (unreachable("refused"), False),
        (unreachable("timeout"), False),
    ],
)
async def test_a_url_is_valid_where_the_server_knows_it(answer, expected):
    """A redirect says so, too, and is not followed; what is refused or out of reach is invalid."""
    assert expected is (await judged(answering(a=answer), "https://a.example/")).passed


async def test_redirects_may_count_as_invalid():
    """By parameter."""
    assert False is (await judged(answering(a=301), "https://a.example/", redirects="invalid")).passed


@pytest.mark.parametrize(
    ("head", "get", "expected"),
    [
        (405, 200, True),
        (403, 206, True),
        (501, 404, False),
        (404, 200, False),
        (405, unreachable("too_large"), True),
    ],
)
async def test_get_follows_head_where_asked_for(head, get, expected):
    """Many servers refuse HEAD; by default that is invalid, as recorded."""
    service = answering(a={"HEAD": head, "GET": get})

    assert expected is (await judged(service, "https://a.example/", getAfterHead=True)).passed
    assert not (await judged(answering(a={"HEAD": head, "GET": get}), "https://a.example/")).passed


@pytest.mark.parametrize(
    ("require", "valid", "expected"),
    [
        ("all", 1, False),
        ("any", 1, True),
        ("any", 0, False),
        ("none", 1, False),
        ("none", 0, True),
        ("all", 2, True),
    ],
)
async def test_how_many_have_to_be_valid_is_a_parameter(require, valid, expected):
    """`not` means "not all", as recorded; "none" is what its words promise."""
    service = answering(a=200 if valid > 0 else 404, b=200 if valid > 1 else 404)
    text = "https://a.example/ https://b.example/"

    assert expected is (await judged(service, text, require=require)).passed
    assert expected is not (await judged(service, text, require=require, **{"not": True})).passed


async def test_a_text_without_urls_fails_unless_told():
    """As recorded, with `not`, too."""
    assert False is (await judged(Service(None), "no links")).passed
    assert False is (await judged(Service(None), "no links", **{"not": True})).passed
    assert True is (await judged(Service(None), "no links", whenNone="pass")).passed


async def test_too_many_urls_are_undecided():
    """Equal ones count once; nothing is asked for when there are more than the limit."""
    service = Service(reply(b""))
    text = " ".join(f"https://a{index}.example/" for index in range(5))

    assert (await judged(service, text, maxUrls=4)).error is not None
    assert [] == service.calls
    assert (await judged(service, text + " " + text, maxUrls=5)).passed
    assert 5 == len(service.calls)


async def test_few_are_asked_for_at_a_time():
    """Eight at most."""
    running, most = 0, 0

    async def slow(method, url):
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        running -= 1
        return reply(b"")

    text = " ".join(f"https://a{index}.example/" for index in range(20))

    assert (await judged(Service(slow), text)).passed
    assert 8 == most


@pytest.mark.parametrize(
    "url", ["https://u:p@a.example/", "http://a.example:99999/", "http://", "http://[::1"]
)
async def test_what_is_no_url_is_invalid_without_asking(url):
    """Credentials, ports out of range, hosts that are none."""
    service = Service(reply(b""))

    verdict = await judged(service, f"x {url} y", find="clean")

    assert not verdict.passed
    assert [] == service.calls


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (reply({"Status": 0, "Answer": [{"data": "1.2.3.4"}]}), True),
        (reply({"Status": 0, "Answer": []}), False),
        (reply({"Status": 0}), False),
        (reply({"Status": 3}), False),
        (reply({"Status": False, "Answer": [1]}), False),
        (reply({"Status": 0, "Answer": [1]}, 500), False),
        (reply([]), False),
        (reply(b"{"), False),
        (unreachable(), False),
    ],
)
async def test_names_alone_are_looked_up_where_asked_for(answer, expected):
    """At a DNS service with JSON answers; the URL itself is not called."""
    service = Service(answer)

    verdict = await judged(service, "https://ex\u00e4mple.org/a", onlyDNS=True)

    assert (expected, "DNS lookup") == (verdict.passed, verdict.data["validationMethod"])
    assert "https://1.1.1.1/dns-query?name=xn--exmple-cua.org" == service.calls[0]["url"]
    assert {"accept": "application/dns-json"} == service.calls[0]["headers"]


async def test_the_resolver_is_a_parameter():
    """The config's own word, so it may be in a private network."""
    service = Service(reply({"Status": 0, "Answer": [1]}))

    await judged(service, "https://a.example/", onlyDNS=True, resolver="http://10.0.0.2/resolve")

    assert ("http://10.0.0.2/resolve?name=a.example", True) == (
        service.calls[0]["url"],
        service.calls[0]["trusted"],
    )


@pytest.mark.parametrize(
    ("text", "recorded", "clean"),
    [
        ("see https://a.b/c.", ["https://a.b/c."], ["https://a.b/c"]),
        ("(https://a.b/c)", ["https://a.b/c)"], ["https://a.b/c"]),
        ("https://en.wiki.org/X_(y)!", ["https://en.wiki.org/X_(y)!"], ["https://en.wiki.org/X_(y)"]),
        ("[x](https://a.b/c), y", ["https://a.b/c)"], ["https://a.b/c"]),
        ("<https://a.b/c>", ["https://a.b/c>"], ["https://a.b/c"]),
        ("**https://a.b/c**", ["https://a.b/c**"], ["https://a.b/c"]),
        ("https://a.b/?x=1,2", ["https://a.b/?x=1"], ["https://a.b/?x=1,2"]),
        ("HTTPS://A.B/", [], ["HTTPS://A.B/"]),
        ("http://", [], []),
    ],
)
def test_urls_are_found_in_two_ways(text, recorded, clean):
    """As recorded, with the punctuation behind them, and as a reader sees them."""
    assert recorded == recorded_urls(text)
    assert clean == clean_urls(text)


def test_bare_domains_are_found_where_asked_for():
    """With `www.` or a common ending; addresses of mail and parts of URLs are none."""
    text = "go to example.com/a, www.foo.org. or me@mail.com, https://x.com/y.com; v1.2 and e.g. file.py"

    assert ["https://example.com/a", "https://www.foo.org", "https://x.com/y.com"] == clean_urls(
        text, bare=True
    )


def test_wrong_parameters_are_refused():
    """Bounds and words."""
    for wrong in (
        {"maxUrls": 0},
        {"maxUrls": 101},
        {"find": "all"},
        {"timeout": 0},
        {"onlyDNS": True, "resolver": "x"},
    ):
        assert 1 == len(problems_of("validUrls", wrong))
