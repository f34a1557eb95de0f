"""What kind of network an IP address belongs to.

Own tables instead of `ipaddress.is_global`, whose meaning differs between Python releases.
Sources: IANA IPv4 and IPv6 Special-Purpose Address Registries; the metadata addresses from the
documentation of the clouds.
"""

from __future__ import annotations

import ipaddress
import re

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

_V4 = ipaddress.IPv4Network
_V6 = ipaddress.IPv6Network

_SPECIAL_V4 = tuple(
    map(
        _V4,
        (
            "0.0.0.0/8",  # this network
            "10.0.0.0/8",  # private
            "100.64.0.0/10",  # shared with the carrier
            "127.0.0.0/8",  # loopback
            "169.254.0.0/16",  # link-local
            "172.16.0.0/12",  # private
            "192.0.0.0/24",  # protocol assignments
            "192.0.2.0/24",  # documentation (TEST-NET-1)
            "192.31.196.0/24",  # AS112
            "192.52.193.0/24",  # AMT
            "192.88.99.0/24",  # 6to4 relay
            "192.168.0.0/16",  # private
            "192.175.48.0/24",  # AS112
            "198.18.0.0/15",  # benchmarking
            "198.51.100.0/24",  # documentation (TEST-NET-2)
            "203.0.113.0/24",  # documentation (TEST-NET-3)
            "224.0.0.0/4",  # multicast
            "240.0.0.0/4",  # reserved, broadcast
        ),
    )
)
_GLOBAL_V6 = _V6("2000::/3")
_SPECIAL_V6 = tuple(
    map(
        _V6,
        (
            "2001::/23",  # protocol assignments, Teredo among them
            "2001:db8::/32",  # documentation
            "2002::/16",  # 6to4
            "2620:4f:8000::/48",  # AS112
            "3ffe::/16",  # returned 6bone
            "3fff::/20",  # documentation
        ),
    )
)
_METADATA = (
    _V4("169.254.0.0/16"),  # AWS, Azure, GCP, DigitalOcean, Oracle, ECS and EKS credentials, ...
    _V4("100.100.100.200/32"),  # Alibaba
    _V4("192.0.0.192/32"),  # Oracle Classic
    _V4("168.63.129.16/32"),  # Azure WireServer, in a public range
    _V6("fd00:ec2::/32"),  # AWS
    _V6("fd20:ce::254/128"),  # GCP
    _V6("fd00:c1::a9fe:a9fe/128"),  # Oracle
    _V6("fd00:42::42/128"),  # Scaleway
    _V6("fe80::a9fe:a9fe/128"),  # OpenStack
)

_MAPPED = _V6("::ffff:0:0/96")
_NAT64 = _V6("64:ff9b::/96")
# The IPv4 address is in the last 32 bits.
_LAST_BITS = (
    _MAPPED,
    _NAT64,
    _V6("::/96"),  # IPv4-compatible
    _V6("::ffff:0:0:0/96"),  # IPv4-translated
    _V6("64:ff9b:1::/48"),  # NAT64 of local use
)
_SIX_TO_FOUR = _V6("2002::/16")
_TEREDO = _V6("2001::/32")
_ISATAP = frozenset({0x00005EFE, 0x02005EFE})

_NUMBER = re.compile(r"0x[0-9a-f]*|[0-9]+")


def parse_address(text: str) -> IPAddress | None:
    """The address in its usual spelling (dotted decimal without leading zeros, or IPv6), or None."""
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def inet_aton(text: str) -> ipaddress.IPv4Address | None:
    """The IPv4 address that C libraries and browsers see in lower case `text`, or None.

    One to four parts, each decimal, octal (0...) or hexadecimal (0x...); the last one fills what
    the others leave. Source: POSIX inet_addr; WHATWG URL, IPv4 parser.
    """
    parts = text.split(".")
    if len(parts) > 4 or not all(_NUMBER.fullmatch(part) and len(part) <= 40 for part in parts):
        return None
    try:
        *first, last = [_number(part) for part in parts]
    except ValueError:
        return None
    if any(part > 255 for part in first) or last >= 256 ** (4 - len(first)):
        return None
    for position, part in enumerate(first):
        last += part << 8 * (3 - position)
    return ipaddress.IPv4Address(last)


def _number(part: str) -> int:
    if part.startswith("0x"):
        return int(part[2:] or "0", 16)
    return int(part, 8 if part.startswith("0") else 10)


def looks_numeric(host: str) -> bool:
    """Whether libraries may read `host` as an IPv4 address: its last part is a number.

    Source: WHATWG URL, "ends in a number".
    """
    return _NUMBER.fullmatch(host.rpartition(".")[2]) is not None


def embedded_ipv4(address: IPAddress) -> ipaddress.IPv4Address | None:
    """The IPv4 address inside an IPv6 one that leads to it: mapped, NAT64, 6to4, Teredo, ISATAP, ..."""
    if isinstance(address, ipaddress.IPv4Address):
        return None
    number = int(address)
    if any(address in network for network in _LAST_BITS):
        return ipaddress.IPv4Address(number & 0xFFFFFFFF)
    if address in _SIX_TO_FOUR:
        return ipaddress.IPv4Address(number >> 80 & 0xFFFFFFFF)
    if address in _TEREDO:
        return ipaddress.IPv4Address(~number & 0xFFFFFFFF)
    if number >> 32 & 0xFFFFFFFF in _ISATAP:
        return ipaddress.IPv4Address(number & 0xFFFFFFFF)
    return None


def is_metadata(address: IPAddress) -> bool:
    """Whether a cloud gives out credentials at this address, however it is wrapped."""
    inner = embedded_ipv4(address)
    if inner is not None and is_metadata(inner):
        return True
    return any(address in network for network in _METADATA)


def is_public(address: IPAddress) -> bool:
    """Whether the address belongs to the open Internet.

    IPv4-mapped addresses and those of the well-known NAT64 prefix, which resolvers make up, are
    what the IPv4 address inside them is.
    """
    if is_metadata(address):
        return False
    if isinstance(address, ipaddress.IPv4Address):
        return not any(address in network for network in _SPECIAL_V4)
    inner = embedded_ipv4(address)
    if inner is not None:
        return (address in _MAPPED or address in _NAT64) and is_public(inner)
    return address in _GLOBAL_V6 and not any(address in network for network in _SPECIAL_V6)
