"""Where requests may go: the host policy for URLs, and what else of a config enters a URL or header.

A URL is checked as written, by a grammar stricter than that of any URL library, so that none can
see another host in it than the check did. Names can change what they resolve to, so every resolved
address is checked once more (`address_problem`).

Problems are texts that follow a path ("config.custom_host: ..."). None quotes what it judges: a
URL may hold credentials.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final
from urllib.parse import quote, urlsplit, urlunsplit

import attrs

from .addresses import embedded_ipv4, inet_aton, is_metadata, is_public, looks_numeric, parse_address

MAX_URL = 2048
MAX_LABELS = 10
MAX_NAME = 253

_METADATA_PROBLEM = "a cloud metadata endpoint, refused always"
_PRIVATE_PROBLEM = "not an address of the open Internet"
_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://([^/?#]*)([^#]*)")
_AUTHORITY = re.compile(r"(\[[0-9a-f:.]*\]|[^:\[\]]*)(?::([1-9][0-9]{0,4}))?")
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")
# As they stand in private networks: with underscores.
_LOOSE_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?")
_ENTRY = re.compile(r"(\[[0-9a-f:.]+\]|(\*\.)?[a-z0-9_.-]+)(:[1-9][0-9]{0,4})?")
_PORT_AT_END = re.compile(r":[0-9]+\Z")
_HOST_PART = re.compile(r"[A-Za-z0-9-]{1,63}")
_DOTTED_QUAD = re.compile(r"(?:^|\.)[0-9]{1,3}(?:\.[0-9]{1,3}){3}\.")
_DASHED_QUAD = re.compile(r"(?<![0-9])[0-9]{1,3}(?:-[0-9]{1,3}){3}(?![0-9])")
# RFC 9110, 5.6.2.
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")

_METADATA_NAMES = frozenset(
    {
        "instance-data",
        "instance-data.ec2.internal",
        "metadata",
        "metadata.azure.internal",
        "metadata.goog",
        "metadata.google.internal",
        "metadata.packet.net",
        "metadata.platformequinix.com",
        "metadata.tencentyun.com",
        "rancher-metadata",
    }
)
# fmt: off
# Last labels that stand for a private network: RFC 6761, RFC 6762 appendix G, RFC 7686, RFC 8375,
# ICANN's .internal, and what Kubernetes, Consul and routers use.
_INTERNAL_SUFFIXES = frozenset({
    "arpa", "cluster", "consul", "corp", "default", "docker", "domain", "home", "internal", "intra",
    "intranet", "k8s", "kube-system", "kubernetes", "lan", "local", "localdomain", "localhost",
    "localnet", "mesh", "nomad", "onion", "pod", "private", "rancher", "svc", "test", "workgroup", "wpad",
})
# Names under which anybody may choose the address, or that lead to the loopback address.
_WILDCARD_DNS = (
    "1u.ms", "addr.tools", "backname.io", "fuf.me", "ip6.name", "lacolhost.com", "lcl.host", "local.gd",
    "localho.st", "localhost.direct", "localtest.me", "lvh.me", "nip.io", "rbndr.us", "sslip.io",
    "traefik.me", "ulh.us", "vcap.me", "xip.io", "xip.name",
)
# The ports that browsers block (WHATWG Fetch, "port blocking") and those of databases, queues,
# remote shells and cluster control.
_REFUSED_PORTS = frozenset({
    1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104,
    109, 110, 111, 113, 115, 117, 119, 123, 135, 137, 138, 139, 143, 161, 162, 179, 389, 427, 445, 465, 512,
    513, 514, 515, 526, 530, 531, 532, 540, 548, 554, 556, 563, 587, 601, 631, 636, 873, 989, 990, 993, 995,
    1433, 1434, 1521, 1719, 1720, 1723, 2049, 2181, 2222, 2375, 2376, 2379, 2380, 2525, 2638, 3050, 3306,
    3389, 3659, 3690, 4045, 4190, 5060, 5061, 5432, 5433, 5671, 5672, 5900, 5901, 5984, 5985, 5986, 6000,
    6379, 6380, 6443, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 7474, 7687, 9042, 9092, 9160, 9200,
    9300, 9418, 10080, 10250, 10255, 11211, 26257, 26379, 27017, 27018, 27019, 28015, 28017,
})
# fmt: on
# Trusted in every policy: the machine itself.
_THIS_MACHINE = ("*.localhost", "127.0.0.1", "[::1]", "host.docker.internal", "localhost")


def _entries(hosts: Iterable[str]) -> frozenset[str]:
    entries = frozenset(_bracketed(host.lower()) for host in hosts)
    for entry in sorted(entries):
        if not _ENTRY.fullmatch(entry):
            raise ValueError(f"{entry!r} is not 'host', 'host:port', '*.suffix' or '*.suffix:port'")
    return entries


def _bracketed(host: str) -> str:
    """IPv6 addresses as they stand in URLs."""
    return f"[{host}]" if host.count(":") > 1 and not host.startswith("[") else host


@attrs.frozen
class HostPolicy:
    """Which hosts a config may name.

    `trusted`: hosts that may be private, in the spelling that the URL must use: "llm.corp",
    "10.0.0.5:8000", "[fd00::1]", "*.gpu.corp" (any depth below, not the suffix itself). Without a
    port an entry holds for every port but those of databases, mail and the like. With
    `allow_private` everything but cloud metadata endpoints is allowed. Raises ValueError for an
    entry of another form.
    """

    trusted: frozenset[str] = attrs.field(default=frozenset(), converter=_entries)
    allow_private: bool = False

    @classmethod
    def trusting(cls) -> HostPolicy:
        """For configs given in code: the host program's own word."""
        return cls(allow_private=True)

    @classmethod
    def strict(cls, hosts: Iterable[str] = ()) -> HostPolicy:
        """For configs out of requests: the open Internet, the machine itself, and `hosts`."""
        return cls(trusted=frozenset((*_THIS_MACHINE, *hosts)))

    def trusts(self, host: str, port: int | None = None) -> bool:
        """Whether an entry names the host, for any port or for this one; None asks for some port."""
        if port is None:
            return not self._hosts.isdisjoint(_names(host))
        return not self.trusted.isdisjoint(_names(host)) or self.trusts_port(host, port)

    def trusts_port(self, host: str, port: int) -> bool:
        """Whether an entry names the host with this very port."""
        return any(f"{name}:{port}" in self.trusted for name in _names(host))

    @property
    def _hosts(self) -> frozenset[str]:
        """The entries without their ports."""
        return frozenset(_PORT_AT_END.sub("", entry) for entry in self.trusted)


def _names(host: str) -> Iterator[str]:
    """The entries that would cover `host`, without ports."""
    host = _bracketed(host.lower())
    yield host
    labels = host.split(".")
    for start in range(1, min(len(labels), MAX_LABELS)):
        yield ".".join(("*", *labels[start:]))


def check_url(url: str, policy: HostPolicy) -> str | None:
    """Why `url` may not be a base URL for requests, or None.

    A well-formed http or https URL without credentials and fragment; a query is allowed. Source
    for untrusted configs: the documentation of Portkey's `custom_host`.
    """
    if len(url) > MAX_URL:
        return f"longer than {MAX_URL} characters"
    if not url.isprintable() or " " in url or "\\" in url:
        return "holds blanks, control characters or backslashes"
    if "#" in url:
        return "holds a fragment"
    parts = _URL.fullmatch(url)
    if parts is None or parts[1].lower() not in ("http", "https"):
        return "not a URL like https://host/path"
    if "@" in parts[2]:
        return "holds credentials"
    if not policy.allow_private and (not url.isascii() or "@" in url):
        return "holds '@' or characters outside of ASCII"
    authority = _AUTHORITY.fullmatch(parts[2].lower())
    if authority is None or not authority[1] or int(authority[2] or 0) > 65535:
        return "host or port is malformed"
    port = int(authority[2] or (443 if parts[1].lower() == "https" else 80))
    return _host_problem(authority[1], port, policy)


def _host_problem(host: str, port: int, policy: HostPolicy) -> str | None:
    if host.startswith("["):
        address = parse_address(host[1:-1])
        if address is None or address.version != 6:
            return "not an IPv6 address"
    else:
        address = inet_aton(host) if looks_numeric(host) else None
        if not _is_name(host.removesuffix("."), _LOOSE_LABEL):
            return "not a host name (international ones are written as xn--...)"
    if host.removesuffix(".") in _METADATA_NAMES or (address is not None and is_metadata(address)):
        return _METADATA_PROBLEM
    if policy.allow_private:
        return None
    if port in _REFUSED_PORTS and not policy.trusts_port(host, port):
        return "a port of another kind of service"
    if policy.trusts(host, port):
        return None
    if looks_numeric(host) and (address is None or str(address) != host):
        return "an IP address in an unusual spelling"
    if address is None:
        return _public_name_problem(host)
    if embedded_ipv4(address) is not None:
        return "an IPv4 address inside an IPv6 one"
    return None if is_public(address) else _PRIVATE_PROBLEM


def _is_name(host: str, label: re.Pattern[str]) -> bool:
    if len(host) > MAX_NAME:
        return False
    return all(len(part) <= 63 and label.fullmatch(part) for part in host.split("."))


def _public_name_problem(host: str) -> str | None:
    labels = host.split(".")
    if not _is_name(host, _LABEL):
        return "not a public host name"
    if len(labels) > MAX_LABELS:
        return f"a host name of more than {MAX_LABELS} labels"
    if any(label.startswith("xn--") for label in labels):
        return "an international host name, which may look like another one"
    if len(labels) == 1 or labels[-1] in _INTERNAL_SUFFIXES:
        return "a name of private networks"
    if any(host == name or host.endswith("." + name) for name in _WILDCARD_DNS):
        return "a name that stands for any address"
    if _DOTTED_QUAD.search(host):
        return "a name with an IP address in it"
    for quad in _DASHED_QUAD.findall(host):
        # Clouds name public machines so.
        address = parse_address(quad.replace("-", "."))
        if address is not None and not is_public(address):
            return "a name with an IP address in it"
    return None


def address_problem(
    address: str, policy: HostPolicy, host: str | None = None, port: int | None = None
) -> str | None:
    """Why no connection may be made to `address`, or None.

    `host` is the name that was resolved: a trusted one may lead to a private address, none to a
    cloud metadata endpoint. Without `port` an entry for any port will do, as the URL was checked.
    """
    # The zone of a link-local address (fe80::1%eth0) is no part of the number.
    parsed = parse_address(address.partition("%")[0])
    if parsed is None:
        return "not an IP address"
    if is_metadata(parsed):
        return _METADATA_PROBLEM
    if policy.allow_private or is_public(parsed) or (host is not None and policy.trusts(host, port)):
        return None
    return _PRIVATE_PROBLEM


def host_part_problem(text: str) -> str | None:
    """Why `text` (a region, resource or account) may not be one label of a host name, or None.

    Capitals are allowed, as Azure has them in resource names; URL libraries lower them.
    """
    if _HOST_PART.fullmatch(text):
        return None
    return "must be 1 to 63 letters, digits and hyphens: it becomes part of a host name"


def path_part(text: str) -> str:
    """`text` as one part of a URL path, percent-encoded; to be used with `URL(..., encoded=True)`.

    "." and ".." would be removed with their neighbour, and so would %2E%2E, which is the same to
    URL libraries and servers (RFC 3986, 6.2.2.2; WHATWG URL). So their percent sign is encoded
    once more: no server has such a part. Lone surrogates become "?".
    """
    if text in (".", ".."):
        return text.replace(".", "%252E")
    return quote(text, safe="", errors="replace")


def shown_url(url: str) -> str:
    """A URL for people to read: without the query and the user, where keys may stand."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


#: Headers that say where a body ends and how it is packed (RFC 9112, 6; RFC 9110, 8.4): the transport's own.
FRAMING_HEADERS: Final = frozenset(
    {"connection", "content-encoding", "content-length", "te", "trailer", "transfer-encoding", "upgrade"}
)
#: Headers of a caller that are never passed on: those of one connection (RFC 9110, 7.6.1) and of one body,
#: and those that open the metadata services of clouds.
UNFORWARDABLE_HEADERS: Final = FRAMING_HEADERS | {
    "content-type", "expect", "host", "http2-settings", "keep-alive", "metadata", "metadata-flavor",
    "proxy-authenticate", "proxy-authorization", "proxy-connection", "x-aws-ec2-metadata-token",
    "x-aws-ec2-metadata-token-ttl-seconds", "x-google-metadata-request", "x-identity-header",
    "x-metadata-token",
}  # fmt: skip


def header_name_problem(text: str) -> str | None:
    """Why `text` may not be a header's name, or None."""
    return None if _TOKEN.fullmatch(text) else "is no header name"


def header_problem(text: str) -> str | None:
    """Why `text` may not be a header's value, or None. The text is not quoted: it may be a key."""
    if _CONTROL.search(text):
        return "holds control characters, such as line ends"
    try:
        text.encode("latin-1")
    except UnicodeEncodeError:
        return "holds characters that no header can carry"
    return None
