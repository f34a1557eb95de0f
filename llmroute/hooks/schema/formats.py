"""The formats of JSON Schema, as loose as the reference takes them. Unknown formats are not asserted."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from typing import Final

from ...patterns import PatternError, compile_pattern

_I = re.IGNORECASE | re.ASCII
_DATE = r"\d{4}-[01]\d-[0-3]\d"
_TIME = r"(?:[0-2]\d:[0-5]\d:[0-5]\d|23:59:60)(?:\.\d+)?"
_ZONE = r"(?:z|[+-]\d\d(?::?\d\d)?)"
_HOST_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", _I)
_MAILBOX = re.compile(r"[a-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}", _I)
_IPV4_PART = re.compile(r"\d{1,3}", re.ASCII)
_WEEKS = re.compile(r"P\d+(?:[.,]\d+)?W", re.ASCII)
_N = r"\d+(?:[.,]\d+)?"
_DURATION = re.compile(rf"P(?:{_N}Y)?(?:{_N}M)?(?:{_N}D)?(?:T(?:{_N}H)?(?:{_N}M)?(?:{_N}S)?)?", re.ASCII)

# RFC 3986: characters of a path, a query or a fragment, each once or percent-encoded.
_PCHAR = r"(?:[a-z0-9\-._~!$&'()*+,;=:@]|%[0-9a-f]{2})"
_AUTHORITY = re.compile(
    r"(?:(?:[a-z0-9\-._~!$&'()*+,;=:]|%[0-9a-f]{2})*@)?"
    r"(?:\[(?P<ip>[0-9a-f:.]+|v[0-9a-f]+\.[a-z0-9\-._~!$&'()*+,;=:]+)\]|(?:[a-z0-9\-._~!$&'()*+,;=]|%[0-9a-f]{2})*)"
    r"(?::\d*)?",
    _I,
)
_URI = re.compile(
    rf"[a-z][a-z0-9+\-.]*:(?://(?P<authority>[^/?#]*)(?=[/?#]|\Z))?"
    rf"(?:{_PCHAR}|/)*(?:\?(?:{_PCHAR}|[/?])*)?(?:\#(?:{_PCHAR}|[/?])*)?",
    _I,
)
_REFERENCE = re.compile(r"(?:[^\\\s#][^\s#]*)?(?:#[^\\\s]*)?")
_TEMPLATE = re.compile(
    r"(?:[^\x00-\x20\"'<>%\\^`{|}]|%[0-9a-f]{2}"
    r"|\{[+#./;?&=,!@|]?(?:[a-z0-9_]|%[0-9a-f]{2})+(?::[1-9][0-9]{0,3}|\*)?"
    r"(?:,(?:[a-z0-9_]|%[0-9a-f]{2})+(?::[1-9][0-9]{0,3}|\*)?)*\})*",
    _I,
)
_URL = re.compile(r"(?:https?|ftp)://(?:[^\s/?#@]+@)?(?P<host>[^\s/?#:@]+)(?::\d{2,5})?(?:[/?#]\S*)?", _I)


def _full(pattern: str, flags: int = _I) -> Callable[[str], bool]:
    compiled = re.compile(pattern, flags)
    return lambda text: compiled.fullmatch(text) is not None


def _is_hostname(text: str) -> bool:
    text = text.removesuffix(".")
    return 0 < len(text) <= 253 and all(_HOST_LABEL.fullmatch(label) for label in text.split("."))


def _is_email(text: str) -> bool:
    name, at, host = text.partition("@")
    if not at or _MAILBOX.fullmatch(name) is None or name[0] == "." or name[-1] == "." or ".." in name:
        return False
    return not host.endswith(".") and _is_hostname(host)


def _is_ipv4(text: str) -> bool:
    parts = text.split(".", 4)
    return len(parts) == 4 and all(_IPV4_PART.fullmatch(part) and int(part) < 256 for part in parts)


def _is_ipv6(text: str) -> bool:
    try:
        return len(text) < 50 and "%" not in text and ipaddress.IPv6Address(text) is not None
    except ValueError:
        return False


def _is_duration(text: str) -> bool:
    if not 1 < len(text) < 80 or text[-1] in "PT":
        return False
    return _WEEKS.fullmatch(text) is not None or _DURATION.fullmatch(text) is not None


def _is_uri(text: str) -> bool:
    match = _URI.fullmatch(text)
    return match is not None and _is_authority(match["authority"] or "")


def _is_authority(text: str) -> bool:
    match = _AUTHORITY.fullmatch(text)
    if match is None:
        return False
    address = match["ip"]
    return address is None or address[0] in "vV" or _is_ipv6(address)


def _is_url(text: str) -> bool:
    match = _URL.fullmatch(text)
    if match is None:
        return False
    host = match["host"]
    *labels, last = host.split(".")
    named = len(last) > 1 and last.isalpha()
    whole = all(label and label[0] != "-" and label[-1] != "-" for label in labels)
    return (bool(labels) and named and whole) or _is_ipv4(host)


def _is_regex(text: str) -> bool:
    try:
        compile_pattern(text, "u")
    except PatternError:
        return False
    return True


FORMATS: Final[Mapping[str, Callable[[str], bool]]] = {
    "date": _full(_DATE),
    "time": _full(_TIME + _ZONE + "?"),
    "date-time": _full(rf"{_DATE}[t\s]{_TIME}{_ZONE}"),
    "duration": _is_duration,
    "uri": _is_uri,
    "uri-reference": lambda text: _REFERENCE.fullmatch(text) is not None,
    "uri-template": lambda text: _TEMPLATE.fullmatch(text) is not None,
    "url": _is_url,
    "email": _is_email,
    "hostname": _is_hostname,
    "ipv4": _is_ipv4,
    "ipv6": _is_ipv6,
    "regex": _is_regex,
    "uuid": _full(r"(?:urn:uuid:)?[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}"),
    "json-pointer": _full(r"(?:/(?:[^~/]|~0|~1)*)*", re.DOTALL),
    "json-pointer-uri-fragment": _full(r"#(?:/(?:[a-z0-9_\-.!$&'()*+,;:=@]|%[0-9a-f]{2}|~0|~1)*)*"),
    "relative-json-pointer": _full(r"(?:0|[1-9][0-9]*)(?:#|(?:/(?:[^~/]|~0|~1)*)*)", re.DOTALL | re.ASCII),
}
