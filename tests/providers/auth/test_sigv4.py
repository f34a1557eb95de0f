"""Signatures: those recorded from another signer, and botocore's for any request."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from llmroute.providers.auth.sigv4 import AwsKeys, Signer
from llmroute.wire.message import WireRequest

VECTORS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[2] / "cases" / "native" / "bedrock_sigv4.json").read_text()
)
SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
NOW = 1_795_000_000.0


def moment(text: str) -> float:
    return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: str(vector["id"]))
def test_the_recorded_signatures_are_reproduced(vector: dict[str, Any]) -> None:
    """Every header of the signature, byte for byte."""
    expected = vector["headers"]
    keys = AwsKeys("AKIDEXAMPLE", SECRET, expected.get("x-amz-security-token"))
    url = URL(f"http://{vector['signed_host']}{vector['path']}", encoded=True)
    wire = WireRequest(url, {"content-type": "application/json"}, vector["body"].encode(), vector["method"])
    signed = Signer(vector["service"], vector["region"]).sign(wire, keys, moment(expected["x-amz-date"]))

    assert expected == signed.headers


def by_botocore(wire: WireRequest, keys: AwsKeys, now: float, service: str, region: str) -> str:
    """The Authorization header that Amazon's own signer would write."""
    auth = pytest.importorskip("botocore.auth")
    awsrequest = pytest.importorskip("botocore.awsrequest")
    credentials = pytest.importorskip("botocore.credentials")
    headers = {k: v for k, v in wire.headers.items() if k != "authorization"}
    stamp = headers.pop("x-amz-date")
    headers.pop("x-amz-security-token", None)
    made = awsrequest.AWSRequest(method=wire.method, url=str(wire.url), data=wire.body, headers=headers)
    signer = auth.SigV4Auth(
        credentials.Credentials(keys.access_key_id, keys.secret_access_key, keys.session_token),
        service,
        region,
    )
    made.context["timestamp"] = stamp
    made.headers["X-Amz-Date"] = stamp
    if keys.session_token:
        made.headers["X-Amz-Security-Token"] = keys.session_token
    canonical = signer.canonical_request(made)
    signature = signer.signature(signer.string_to_sign(made, canonical), made)
    names = signer.signed_headers(signer.headers_to_sign(made))
    credential = f"{keys.access_key_id}/{signer.credential_scope(made)}"
    return f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={names}, Signature={signature}"


PARTS = st.lists(st.text(st.characters(codec="utf-8"), max_size=8), min_size=1, max_size=4)
QUERY = st.lists(
    st.tuples(st.text("aB1 /~é&=", min_size=1, max_size=5), st.text("xY2 +é%", max_size=5)), max_size=3
)


@given(
    PARTS,
    QUERY,
    st.binary(max_size=40),
    st.sampled_from(["example.org", "example.org:8443", "[::1]:9000"]),
    st.none() | st.text("abcXYZ+/=", min_size=1, max_size=20),
    st.integers(0, 4_000_000_000),
)
def test_any_request_is_signed_as_botocore_signs_it(
    parts: list[str], query: list[tuple[str, str]], body: bytes, host: str, token: str | None, now: int
) -> None:
    """Whatever stands in path, query and body, and whether the keys are temporary or not."""
    path = "/".join(quote(part, safe="") for part in parts)
    text = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in query)
    url = URL(f"https://{host}/{path}" + ("?" + text if text else ""), encoded=True)
    wire = WireRequest(url, {"content-type": "application/json"}, body)
    keys = AwsKeys("AKIDEXAMPLE", SECRET, token)
    signed = Signer("bedrock", "eu-west-1").sign(wire, keys, float(now))

    assert by_botocore(signed, keys, float(now), "bedrock", "eu-west-1") == signed.headers["authorization"]


def test_the_port_is_part_of_the_signed_host() -> None:
    """As it is of the Host header that goes over the wire: a strict server verifies it."""
    keys, body = AwsKeys("AKIDEXAMPLE", SECRET), b"{}"

    def signature(url: str) -> str:
        wire = Signer("bedrock", "eu-west-1").sign(WireRequest(URL(url), {}, body), keys, NOW)
        return wire.headers["authorization"]

    assert signature("http://localhost:8080/x") != signature("http://localhost/x")
    assert signature("http://localhost:80/x") == signature("http://localhost/x")


def test_headers_of_others_are_not_signed() -> None:
    """Proxies may change them; x-amz-* ones must be signed."""
    wire = WireRequest(URL("https://h/"), {"X-Amz-Meta": "a  b ", "x-trace": "1", "Content-Type": "t"}, b"")
    signed = Signer("bedrock", "eu-west-1").sign(wire, AwsKeys("AKIDEXAMPLE", SECRET), NOW)
    names = re.search("SignedHeaders=([^,]+)", signed.headers["authorization"])

    assert names is not None
    assert "content-type;host;x-amz-content-sha256;x-amz-date;x-amz-meta" == names[1]


def test_the_derived_key_follows_day_and_secret() -> None:
    """One signer serves keys that change, over midnight."""
    wire = WireRequest(URL("https://h/"), {}, b"")
    one, two = Signer("bedrock", "eu-west-1"), AwsKeys("AKIDEXAMPLE", "other")
    first = one.sign(wire, AwsKeys("AKIDEXAMPLE", SECRET), NOW)
    one.sign(wire, two, NOW)
    one.sign(wire, AwsKeys("AKIDEXAMPLE", SECRET), NOW + 86_400)

    assert first == one.sign(wire, AwsKeys("AKIDEXAMPLE", SECRET), NOW)


def test_keys_do_not_show() -> None:
    """Neither secret nor session token stands in a repr."""
    shown = repr(AwsKeys("AKIDEXAMPLE", "hunter2", "session"))

    assert "hunter2" not in shown
    assert "session_token" not in shown
