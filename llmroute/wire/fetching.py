"""Whether and from where files that a request points to may be fetched."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import attrs

from .hosts import HostPolicy

MAX_BYTES = 20 * 2**20
MAX_FILES = 20


def _hosts(hosts: Iterable[str] | None) -> frozenset[str] | None:
    if hosts is None:
        return None
    return HostPolicy(trusted=frozenset({hosts} if isinstance(hosts, str) else hosts)).trusted


def _positive(policy: FetchPolicy, attribute: attrs.Attribute[Any], value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < float("inf"):
        raise ValueError(f"{attribute.name} must be a number above 0, got {value!r:.100}")


@attrs.frozen
class FetchPolicy:
    """What `Router(fetch=...)` allows where a provider takes images and files as data only.

    `max_bytes` limits the files of one request together (default 20 MiB, at most 20 files), `timeout`
    each of them, in seconds (default 10), within the time of the attempt. Without `hosts` every
    public host will do, over https; with them ("host", "host:port", "*.suffix", "*.suffix:port") only
    these, which may then be private ones and serve plain http. Redirects are not followed. Only gif,
    png, jpeg, webp and pdf files are taken, by how they begin. Raises ValueError for other values.
    """

    max_bytes: int = attrs.field(default=MAX_BYTES, validator=_positive)
    timeout: float = attrs.field(default=10.0, validator=_positive)
    hosts: frozenset[str] | None = attrs.field(default=None, converter=_hosts)
