"""Secrets by their issuers' forms: what is found, what only looks like it, and how long a search takes."""

from __future__ import annotations

import pytest
from bombs_kit import slow

from llmroute.hooks.findings.credentials import GENERIC, NAMES, PATTERNS, find

A = "aB3" * 100
HEX = "0123456789abcdef" * 4
B64 = "q83vEjRWeJq83vEjRWeJq83vEjRWeJq83vEjRWeJq83vEjRWeJq83vEjRWeJ"
KEY = f"-----BEGIN RSA PRIVATE KEY-----\n{B64}\n{B64}=\n-----END RSA PRIVATE KEY-----"
#: A secret of each kind (several, where there are several forms), and a text that comes near.
CASES = {
    "private_key": (
        [
            KEY,
            KEY.replace("RSA ", ""),
            KEY.replace("RSA", "OPENSSH"),
            KEY.replace("RSA PRIVATE KEY", "PGP PRIVATE KEY BLOCK"),
            KEY.replace("\n", "\\n"),
            KEY.replace("\n", "\nProc-Type: 4,ENCRYPTED\n", 1),
        ],
        "-----BEGIN PUBLIC KEY----- -----BEGIN CERTIFICATE----- it begins with -----BEGIN PRIVATE KEY----- and more",
    ),
    "aws_access_key": (["AKIAIOSFODNN7EXAMPLE", "ASIAIOSFODNN7EXAMPLE"], "AKIAIOSFODNN7EXAMPL XAKIAIOSFODNN7EXAMPLE"),
    "aws_secret_key": (["wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"], "aws secret is " + A[:41] + " " + A[:40]),
    "github_token": (
        [f"{kind}_{A[:36]}" for kind in ("ghp", "gho", "ghu", "ghs", "ghr")] + [f"github_pat_{A[:22]}_{A[:59]}"],
        f"ghp_{A[:35]} ghx_{A[:36]}",
    ),
    "gitlab_token": ([f"glpat-{A[:20]}", f"gldt-{A[:20]}", f"glrt-{A[:20]}"], f"glpat-{A[:10]} glxx-{A[:20]}"),
    "anthropic_key": ([f"sk-ant-api03-{A[:95]}"], "sk-ant-short"),
    "openai_key": ([f"sk-{A[:48]}", f"sk-proj-{A[:60]}", f"sk-svcacct-{A[:60]}"], f"sk-short ask-{A[:48]}"),
    "google_api_key": ([f"AIza{A[:35]}"], f"AIza{A[:34]} AIza{A[:36]}"),
    "huggingface_token": ([f"hf_{A[:34]}"], "hf_hub_download hf_transfer"),
    "slack_token": (["xoxb-123456789012-1234567890123-abcDEF", f"xoxp-{A[:40]}"], "xoxb-1 xoxz-1234567890"),
    "slack_webhook": (
        ["https://hooks.slack.com/services/T00000000/B00000000/" + A[:24]],
        "https://hooks.slack.com/services/ https://slack.com/services/T00000000/B00000000/x",
    ),
    "stripe_key": ([f"sk_live_{A[:24]}", f"rk_test_{A[:24]}", f"whsec_{A[:32]}"], "sk_live_x task_live_" + A[:24]),
    "twilio_key": ([f"SK{HEX[:32]}", f"AC{HEX[:32]}"], f"SK{HEX[:31]} SK{HEX[:33]} AD{HEX[:32]}"),
    "sendgrid_key": ([f"SG.{A[:22]}.{A[:43]}"], f"SG.{A[:22]} SG.a.b"),
    "npm_token": ([f"npm_{A[:36]}"], f"npm_{A[:35]} npm_config_registry"),
    "pypi_token": ([f"pypi-AgEIcHlwaS5vcmc{A[:60]}"], f"pypi-{A[:60]}"),
    "azure_storage_key": ([A[:86] + "=="], "AccountKey=" + A[:40]),
    "jwt": ([f"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.{A[:43]}"], "eyJhbGciOiJIUzI1NiJ9 eyJhbGciOiJIUzI1NiJ9.x.y"),
    "url_password": (["hunter22"], "https://example.com:8080/a@b user:hunter22@host mailto:a@b.example"),
    "generic": (["k3Jd9xQ2mVz7Lp0Rt5Yw"], "password = aaaaaaaaaaaaaaaaaaaa token: short the secret of happiness"),
}  # fmt: skip
AROUND = {
    "aws_secret_key": "aws_secret_access_key = {}",
    "azure_storage_key": "AccountName=a;AccountKey={};Endpoint=b",
    "url_password": "postgres://user:{}@db.example.com/x",
    "generic": 'api_key: "{}"',
}


@pytest.mark.parametrize("name", CASES)
def test_secrets_are_found(name):
    """All of them, and nothing around them."""
    for secret in CASES[name][0]:
        text = "before " + AROUND.get(name, "{}").format(secret) + " after"

        assert [secret] == [text[each.start : each.end] for each in find(text, frozenset({name}))]


@pytest.mark.parametrize("name", CASES)
def test_secrets_are_found_with_all_kinds_together(name):
    """Something of it is found as some kind, so that nothing of the secret is left to use."""
    for secret in CASES[name][0]:
        text = AROUND.get(name, "{}").format(secret)
        left = text
        for each in reversed(find(text, frozenset(NAMES))):
            left = left[: each.start] + left[each.end :]

        assert secret not in left
        assert len(left) < 60


@pytest.mark.parametrize("name", CASES)
def test_what_only_looks_like_it_is_not_found(name):
    """Too short, of another issuer, part of a word."""
    text = CASES[name][1]

    assert [] == [text[each.start : each.end] for each in find(text, frozenset({name}))]


def test_every_kind_has_a_row():
    """So that none is left untested."""
    assert set(NAMES) == set(CASES)


def test_a_private_key_that_is_cut_off_is_found():
    """As texts are that end at a limit, or streams in a window."""
    text = f"see: {KEY[:120]}"

    [found] = find(text, frozenset(NAMES))

    assert ("private_key", KEY[:120]) == (found.kind, text[found.start : found.end])


def test_several_private_keys_are_several_findings():
    """Each up to its own end."""
    assert 3 == len(find(f"{KEY}\nand {KEY} -----BEGIN PRIVATE KEY-----{KEY}", frozenset(NAMES)))


@pytest.mark.parametrize("name", PATTERNS)
def test_no_pattern_runs_away(name):
    """50,000 characters of anything within 100 ms, each pattern."""
    assert {} == slow(lambda text: list(PATTERNS[name].finditer(text)), 0.1)


@pytest.mark.parametrize("names", [{"private_key"}, {"generic"}])
def test_no_other_search_runs_away(names):
    """Nor the searches with code of their own."""
    assert {} == slow(lambda text: find(text, frozenset(names)), 0.1)
    assert {} == slow(lambda text: list(GENERIC.finditer(text)), 0.1)


def test_the_whole_search_is_linear():
    """All kinds together."""
    assert {} == slow(lambda text: find(text, frozenset(NAMES)), 0.4)
