"""How long to wait between attempts."""

from __future__ import annotations

from collections.abc import Callable

from ..config.spec import RetrySpec

#: Waiting for one target ends here, whatever the provider asks for. Source: spec/ROUTING.md section 5.
MAX_TOTAL_WAIT = 60.0

#: Statuses on which a Retry-After is heeded. RFC 9110 section 10.2.3, RFC 6585 section 4.
RETRY_AFTER_STATUSES = frozenset({429, 503})


def backoff(spec: RetrySpec, retry: int, random: Callable[[], float]) -> float:
    """Seconds before the `retry`-th repetition (1 = first): doubled each time, capped, with jitter.

    "slight" adds up to 10 %, "full" takes any time up to the wait, "equal" at least half of it.
    """
    delay = min(spec.initial_backoff * 2.0 ** (retry - 1), spec.max_backoff)
    if spec.jitter == "slight":
        return delay * (1.0 + 0.1 * random())
    if spec.jitter == "full":
        return delay * random()
    if spec.jitter == "equal":
        return delay * (0.5 + 0.5 * random())
    return delay
