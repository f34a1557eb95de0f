"""Kinds of personal data: what is found, what only looks like it, and how long a search takes."""

from __future__ import annotations

import pytest
from bombs_kit import slow

from llmroute.hooks.findings.personal import KINDS, NAMES, find

EVERY = frozenset(NAMES)
# Marked with «»: what is to be found.
FOUND = [
    ("email", "mail «jane.doe+x@example.co.uk»."),
    ("email", "(«jane@example.com»), <«jane@example.com»>, '«jane@example.com»'"),
    ("email", "«o'neil@mail.example.io» and «müller@exämple.de»"),
    ("email", "mailto:«a@b.io»?subject=x, user=«a_b@x-y.museum»; «a@b.xn--p1ai»"),
    ("email", "«" + "a" * 64 + "@example.com»"),
    ("email", "«jane＠example．com»"),
    ("credit_card", "«4111 1111 1111 1111», «4111-1111-1111-1111», «4111111111111111»."),
    ("credit_card", "«4111  1111  1111  1111» «4111\u00a01111\u00a01111\u00a01111» «４１１１１１１１１１１１１１１１»"),
    ("credit_card", "card:«5500005555555559» $«378282246310005» «3782 822463 10005» ref-«2223000048400011»"),
    ("credit_card", "«4111 1111 1111 1111» 12/25 123, «30569309025904»"),
    ("iban", "«GB29 NWBK 6016 1331 9268 19», «DE89370400440532013000», «gb29nwbk60161331926819»"),
    ("iban", "«BE68 5390 0754 7034» 2023 0001, «NL91 ABNA 0417 1643 00» EUR"),
    ("iban", "«NO9386011117947» «MT84MALT011000012345MTLCAST001S» «GB29-NWBK-6016-1331-9268-19»"),
    ("us_ssn", "SSN: «123-45-6789»."),
    ("uk_nino", "«AB123456C», «AB 12 34 56 C»"),
    ("es_id", "«12345678Z», «12345678-Z», «X1234567L», «x-1234567-l»"),
    ("it_fiscal_code", "«RSSMRA85T10A562S»"),
    ("br_cpf", "«111.444.777-35», «11144477735»"),
    ("pl_pesel", "«44051401359»"),
    ("de_tax_id", "«86095742719», «86 095 742 719»"),
    ("in_aadhaar", "«2341 2341 2346», «234123412346», «2341-2341-2346»"),
    ("nl_bsn", "BSN «111222333», id=«123456782»"),
    ("ip_address", "«192.168.1.1», «8.8.8.8»:53, http://«10.0.0.1»/x, «10.0.0.1»/8."),
    ("ip_address", "«2001:db8::1», [«2001:db8::1»]:80, «fe80::1»%eth0, «::1», «::ffff:10.0.0.1»"),
    ("ip_address", "«2001:0db8:85a3:0000:0000:8a2e:0370:7334»"),
    ("phone", "«+31 6 12345678», tel:«+15551234567», «+1 (555) 123-4567», «+44 20 7946 0958»"),
    ("phone", "«(555) 123-4567», «555-123-4567», «555.123.4567», «1-800-555-0199»"),
    ("phone", "«0612345678», «06 12345678», «020-1234567», «030/123456», «01 23 45 67 89»"),
    ("phone", "«00 49 30 123456», «0049 30 123456»"),
]  # fmt: skip
NEAR_MISSES = {
    "email": "a@b user@localhost @example.com jane@ jane@.com a@b.c jane@example.1 "
    + "a" * 65
    + "@example.com",
    "credit_card": "4111111111111112 0000000000000000 x4111111111111111 41111111111111111111 1.4111111111111111",
    "iban": "DE89370400440532013001 GB29NWBK6016133192681 XX29NWBK60161331926819 DE893704004405320130001",
    "us_ssn": "000-12-3456 666-12-3456 900-12-3456 123-00-4567 123-45-0000 123-45-67890 1-123-45-6789",
    "uk_nino": "QQ123456C AB123456E AO123456C BD1234567C",
    "es_id": "12345678A X1234567A 123456789Z 1234567Z",
    "it_fiscal_code": "RSSMRA85T10A562 RSSMRA85Z10A562S rssmra85t10a562s",
    "br_cpf": "111.444.777-36 111.111.111-11 000.000.000-00 1111.444.777-35",
    "pl_pesel": "44051401358 44991401359 00000000000 4405140135",
    "de_tax_id": "86095742718 11111111111 06095742719 12345678901",
    "in_aadhaar": "2341 2341 2347 1341 2341 2346 2341 2341 23461",
    "nl_bsn": "123456789 000000000 1112223330 11122233",
    "ip_address": "256.1.1.1 1.2.3 1.2.3.4.5 v1.2.3.4 10:30:45 a::b :: std::string 08:00:2b:01:02:03 1:2:3 ://",
    "phone": "2024-01-15 10:30 12/05/2024 1200 1,234,567,890 3.14159265358979 0.12345678 0x12345678 +1 order 12345678",
}


def parted(marked):
    """A text, and the parts of it between the marks."""
    parts = marked.replace("»", "«").split("«")
    return "".join(parts), parts[1::2]


@pytest.mark.parametrize(("kind", "marked"), FOUND)
@pytest.mark.parametrize("names", [EVERY, None])
def test_personal_data_is_found(kind, marked, names):
    """All of it and nothing around it, whether the kind is searched for alone or with all others."""
    text, expected = parted(marked)

    found = find(text, names or frozenset({kind}))

    assert [(kind, part) for part in expected] == [(each.kind, text[each.start : each.end]) for each in found]


@pytest.mark.parametrize("kind", NEAR_MISSES)
def test_what_only_looks_like_it_is_not_found(kind):
    """A wrong check digit, a part of something longer, a number of another kind."""
    text = NEAR_MISSES[kind]

    assert [] == [text[each.start : each.end] for each in find(text, frozenset({kind}))]


def test_every_kind_has_a_row_of_each():
    """So that none is left untested."""
    assert set(NAMES) == {kind for kind, _ in FOUND} == set(NEAR_MISSES)


def test_neighbours_do_not_hide_each_other():
    """What was taken for a part of one finding is looked at again when the finding is elsewhere."""
    text = "+31 6 12345678 4111 1111 1111 1111 jane@example.com 192.168.1.1 123-45-6789"

    kinds = [each.kind for each in find(text, EVERY)]

    assert ["phone", "credit_card", "email", "ip_address", "us_ssn"] == kinds


def test_any_position_is_found():
    """At the ends of a text, too."""
    for text in ("jane@example.com", "\njane@example.com\n", "é jane@example.com é"):
        [found] = find(text, EVERY)
        assert "jane@example.com" == text[found.start : found.end]


@pytest.mark.parametrize("number", range(len(KINDS)))
def test_no_pattern_runs_away(number):
    """50,000 characters of anything within 100 ms, each pattern."""
    assert {} == slow(lambda text: list(KINDS[number].spans(text)), 0.1)


def test_the_whole_search_is_linear():
    """All kinds together, on a text full of findings as well."""
    assert {} == slow(lambda text: find(text, EVERY), 0.4)
