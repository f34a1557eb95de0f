"""How an answer came about: the target that gave it and every attempt before."""

from __future__ import annotations

from typing import Any

import attrs


@attrs.define  # treated as frozen; frozen classes cost three times as much per call
class Attempt:
    """One request to one provider. Times are in seconds, `started` counted from the call's begin.

    `error` is a short text, None for a success; `ttft` is the time to the first chunk with
    content, None without a stream; `retry_after` is the provider's wish, None without one.
    """

    target: str
    provider: str
    model: str | None
    status: int
    error: str | None = None
    started: float = 0.0
    ttft: float | None = None
    duration: float = 0.0
    retry_after: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """The members as plain JSON."""
        return attrs.asdict(self)


@attrs.define  # treated as frozen, as above
class Route:
    """The way of one call through the config.

    `target` is the path of the target that answered ("config.targets[1]"), `retries` the number of
    its repeated attempts (-1 when they ended on a retryable status), `attempts` every request of
    the call over all targets, `warnings` what could not be sent as asked, `duration` the seconds
    from the begin of the call to the answer.
    """

    target: str
    provider: str
    model: str | None = None
    retries: int = 0
    cache_status: str = "DISABLED"
    trace_id: str | None = None
    warnings: tuple[str, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    duration: float = 0.0

    @property
    def headers(self) -> dict[str, str]:
        """The same under the header names a client of the gateway knows."""
        found = {
            "x-portkey-last-used-option-index": self.target,
            "x-portkey-provider": self.provider,
            "x-portkey-retry-attempt-count": str(self.retries),
            "x-portkey-cache-status": self.cache_status,
        }
        if self.trace_id is not None:
            found["x-portkey-trace-id"] = self.trace_id
        return found

    def to_dict(self) -> dict[str, Any]:
        """The members as plain JSON, tuples as lists."""
        return {
            "target": self.target,
            "provider": self.provider,
            "model": self.model,
            "retries": self.retries,
            "cache_status": self.cache_status,
            "trace_id": self.trace_id,
            "warnings": list(self.warnings),
            "attempts": [attempt.to_dict() for attempt in self.attempts],
            "duration": self.duration,
        }
