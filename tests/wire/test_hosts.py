"""The host policy, and what else of a config enters a URL or a header."""

from __future__ import annotations

import ipaddress
import json
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from llmroute.wire.hosts import (
    HostPolicy,
    address_problem,
    check_url,
    header_name_problem,
    header_problem,
    host_part_problem,
    path_part,
)

CASES = json.loads((Path(__file__).parents[1] / "cases" / "hosts.json").read_text())
POLICIES = {"untrusted": HostPolicy.strict(), "code": HostPolicy.trusting()}


def rows(policy: str, verdict: str) -> list:
    return [pytest.param(POLICIES[policy], url, id=name) for name, url in CASES[policy][verdict].items()]


@pytest.mark.parametrize(("policy", "url"), rows("untrusted", "reject") + rows("code", "reject"))
def test_a_url_outside_of_the_policy_is_refused_without_quoting_it(policy, url):
    """The problem is a text that holds no part of the URL that could be a credential."""
    problem = check_url(url, policy)

    assert problem is not None
    assert "SECRET" not in problem


@pytest.mark.parametrize(("policy", "url"), rows("untrusted", "accept") + rows("code", "accept"))
def test_a_url_within_the_policy_is_accepted_and_yarl_sees_the_same_host(policy, url):
    """What passed the check has one reading: yarl's host is the one in the text."""
    assert check_url(url, policy) is None
    assert (URL(url).raw_host or "").removesuffix(".") in url.lower()


ALWAYS_REFUSED = ["169.254.169.254", "169.254.170.2", "100.100.100.200", "192.0.0.192", "168.63.129.16"]


@pytest.mark.parametrize("address", ALWAYS_REFUSED)
def test_metadata_endpoints_are_refused_in_every_spelling_whoever_trusts_them(address):
    """Naming one as trusted does not help; decimal, hexadecimal, octal and IPv6 forms are seen through."""
    number = int(ipaddress.IPv4Address(address))
    octets = address.split(".")
    spellings = [
        address,
        str(number),
        hex(number),
        oct(number).replace("o", ""),
        ".".join(hex(int(part)) for part in octets),
        f"{octets[0]}.{number & 0xFFFFFF}",
        f"[::ffff:{address}]",
        f"[::{address}]",
        f"[64:ff9b::{address}]",
        f"[2002:{number >> 16:x}:{number & 0xFFFF:x}::]",
        f"[2001::{number >> 16 ^ 0xFFFF:x}:{number & 0xFFFF ^ 0xFFFF:x}]",
    ]
    for policy in (HostPolicy.trusting(), HostPolicy.strict(spellings), HostPolicy(spellings, True)):
        assert [] == [text for text in spellings if check_url(f"http://{text}/", policy) is None]
        assert address_problem(address, policy, address) is not None


TRUST = [
    ("llm.corp", "http://llm.corp:8000/v1", True),
    ("LLM.corp", "http://llm.Corp/", True),
    ("llm.corp", "http://a.llm.corp/", False),
    ("llm.corp", "http://llm.corp:5432/", False),
    ("llm.corp:5432", "http://llm.corp:5432/", True),
    ("llm.corp:5432", "http://llm.corp/", False),
    ("llm.corp:443", "https://llm.corp/", True),
    ("*.gpu.corp", "http://a.gpu.corp/", True),
    ("*.gpu.corp", "http://a.b.gpu.corp/", True),
    ("*.gpu.corp", "http://gpu.corp/", False),
    ("*.gpu.corp", "http://agpu.corp/", False),
    ("*.gpu.corp:8000", "http://a.gpu.corp:8000/", True),
    ("10.0.0.5", "http://10.0.0.5:8000/", True),
    ("10.0.0.5", "http://167772165:8000/", False),
    ("10.0.0.5", "http://10.0.0.6/", False),
    ("fd00::1", "http://[fd00::1]/", True),
    ("[fd00::1]:8000", "http://[fd00::1]:8000/", True),
    ("[fd00::1]:8000", "http://[fd00::1]:9000/", False),
    ("vllm", "http://vllm:8000/v1", True),
    ("llm_server", "http://llm_server/", True),
]


@pytest.mark.parametrize(("entry", "url", "accepted"), TRUST)
def test_an_entry_trusts_one_spelling_of_one_host_or_one_suffix(entry, url, accepted):
    """Private hosts are allowed by name; database ports only where the entry names the port."""
    assert accepted is (check_url(url, HostPolicy.strict([entry])) is None)


@pytest.mark.parametrize(
    "entry", ["", "*", "http://llm.corp", "llm.corp/v1", "a b", "10.0.0.0/8", "h:0", "*.*.corp"]
)
def test_an_entry_of_another_form_is_refused(entry):
    """Trusting something by mistake must not pass in silence."""
    with pytest.raises(ValueError, match="is not 'host'"):
        HostPolicy.strict([entry])


ADDRESSES = [
    ("8.8.8.8", True),
    ("2606:4700::1111", True),
    ("::ffff:8.8.8.8", True),
    ("64:ff9b::8.8.8.8", True),
    ("10.1.2.3", False),
    ("127.0.0.1", False),
    ("::1", False),
    ("0.0.0.0", False),
    ("192.168.0.1", False),
    ("100.64.0.1", False),
    ("198.51.100.1", False),
    ("224.0.0.1", False),
    ("fe80::1%eth0", False),
    ("fc00::1", False),
    ("::ffff:10.0.0.1", False),
    ("64:ff9b::10.0.0.1", False),
    ("2002:808:808::1", False),
    ("2001:0:808:808::1", False),
    ("ff02::1", False),
    ("nonsense", False),
    ("", False),
    ("0x7f.1", False),
]


@pytest.mark.parametrize(("address", "public"), ADDRESSES)
def test_a_name_of_the_internet_may_resolve_to_public_addresses_only(address, public):
    """A second answer that points inside (DNS rebinding) is refused, though 127.0.0.1 itself is trusted."""
    assert public is (address_problem(address, HostPolicy.strict(), "rebind.example.com", 443) is None)


def test_a_trusted_name_may_resolve_to_a_private_address():
    """localhost leads to the loopback address, an entry of the host program wherever it likes."""
    policy = HostPolicy.strict(["llm.corp", "db.corp:8000"])

    assert address_problem("127.0.0.1", policy, "localhost", 8000) is None
    assert address_problem("::1", policy, "app.localhost") is None
    assert address_problem("10.0.0.5", policy, "LLM.corp", 443) is None
    assert address_problem("10.0.0.5", policy, "db.corp") is None
    assert address_problem("10.0.0.5", policy, "db.corp", 9000) is not None
    assert address_problem("10.0.0.5", policy) is not None
    assert address_problem("10.0.0.5", HostPolicy.trusting(), "anything") is None


PIECES = st.sampled_from(
    [
        "http", "https", ":", "/", "//", "@", "#", "?", "%", "\\", ".", "..", "[", "]", "::1", "[::1]",
        "10.0.0.1", "127.0.0.1", "8.8.8.8", "localhost", "example.com", "80", ":80", "0x7f", "。", "．",
        "%2e", "%40", "\t", "\0", "é", "xn--", "nip.io", ".internal", "a-b", "_", "-",
    ]
)  # fmt: skip


@given(st.lists(PIECES, max_size=8).map(lambda pieces: "http://" + "".join(pieces)))
def test_every_library_reads_the_same_public_host_in_an_accepted_url(url):
    """yarl and the standard library see one host: trusted by name, or neither private nor numeric."""
    if check_url(url, HostPolicy.strict()) is not None:
        return
    host = URL(url).host
    assert host == urlsplit(url).hostname
    try:
        assert ipaddress.ip_address(host).is_global or host in ("127.0.0.1", "::1")
    except ValueError:
        assert host.isascii()
        assert "." in host or host == "localhost"


def test_the_check_takes_no_time_on_hostile_texts():
    """Long texts are refused before any pattern sees them."""
    for text in ("http://" + "a-" * 10**6, "http://" + "." * 2000, "http://" + "a." * 1000, "0x" * 1000):
        assert check_url(text, HostPolicy.strict()) is not None


@pytest.mark.parametrize("text", ["us-east-1", "r", "MyResource", "a" * 63, "0"])
def test_a_host_part_is_one_label(text):
    """Regions, resources and accounts as they are."""
    assert host_part_problem(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a.b",
        "evil.example/#",
        "evil.example?x=",
        "x@evil.example:80/",
        "a b",
        "a\n",
        "a_b",
        "ä",
        "a" * 64,
        "%61",
    ],
)
def test_a_host_part_cannot_change_the_host(text):
    """Nothing that ends a label passes."""
    assert host_part_problem(text) is not None


PARTS = [
    ("gpt-4o_mini.v1~x", "gpt-4o_mini.v1~x"),
    ("../../admin", "..%2F..%2Fadmin"),
    ("..%2f..%2fadmin", "..%252f..%252fadmin"),
    ("m?x=y", "m%3Fx%3Dy"),
    ("m#x", "m%23x"),
    ("m x\0\r\n", "m%20x%00%0D%0A"),
    ("..\\admin", "..%5Cadmin"),
    ("x@evil.example", "x%40evil.example"),
    ("arn:aws:bedrock:us-east-1:1:x/y:0", "arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Ax%2Fy%3A0"),
    ("ü", "%C3%BC"),
    ("a\ud800", "a%3F"),
    (".", "%252E"),
    ("..", "%252E%252E"),
    ("...", "..."),
    ("", ""),
]


@pytest.mark.parametrize(("text", "expected"), PARTS)
def test_a_path_part_stays_one_part(text, expected):
    """Whether or not yarl is told that the text is encoded, the path keeps its three parts."""
    url = f"https://h.example/v1/{path_part(text)}/end"

    assert expected == path_part(text)
    assert f"/v1/{expected}/end" == URL(url, encoded=True).raw_path
    assert 4 == len(URL(url).raw_path.split("/"))
    assert "https://h.example" == str(URL(url).origin())


@pytest.mark.parametrize("text", ["sk-1", "a b", "", "é", "a;b=c, d"])
def test_a_header_value_of_latin_1_text_is_fine(text):
    """Everything printable in ISO 8859-1."""
    assert header_problem(text) is None


@pytest.mark.parametrize(
    "text", ["x\r\nx-evil: 1", "sk\0", "a\nb", "a\tb", "\x1b[31m", "a\x7f", "\x85", "€", "\ud800"]
)
def test_a_header_value_that_could_split_or_not_be_sent_is_refused(text):
    """Line ends, NUL, other control characters, and what ISO 8859-1 lacks; the text is not quoted."""
    problem = header_problem(text)

    assert problem is not None
    assert text not in problem


def test_a_header_name_is_a_token():
    """RFC 9110: no blanks, no colon, nothing outside of ASCII."""
    assert header_name_problem("X-My_Header.1") is None
    assert [] == [
        name for name in ("", "x a", "x:", "x\r\n", "é", "x\0") if header_name_problem(name) is None
    ]
