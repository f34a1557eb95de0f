"""How a call went, for people."""

from __future__ import annotations

from collections.abc import Sequence

from .. import Attempt, Route

#: Pauses below this are the library's own work, not a wait.
_SHORTEST_WAIT = 0.02


def route_lines(route: Route) -> list[str]:
    """Every attempt of a route with its status and time, and the waits between."""
    attempts = route.attempts
    if not attempts:
        return ["route: nothing was sent"]
    count = "1 attempt" if len(attempts) == 1 else f"{len(attempts)} attempts"
    lines = [f"route: {count} in {_seconds(route.duration)}"]
    widths = [max(len(cell) for cell in column) for column in zip(*map(_cells, attempts), strict=True)]
    ended = 0.0
    for number, attempt in enumerate(attempts):
        pause = attempt.started - ended
        if number and pause >= _SHORTEST_WAIT:
            lines.append(f"     (waited {_seconds(pause)}{_reason(attempts[number - 1], attempt, pause)})")
        cells = [cell.ljust(width) for cell, width in zip(_cells(attempt), widths, strict=True)]
        lines.append(f"  {number + 1}. {'  '.join(cells)}  {_result(attempt)}")
        ended = attempt.started + attempt.duration
    return lines + [f"  warning: {text}" for text in route.warnings]


def _cells(attempt: Attempt) -> Sequence[str]:
    took = _seconds(attempt.duration)
    return attempt.target, attempt.provider, attempt.model or "(no model)", str(attempt.status), took


def _result(attempt: Attempt) -> str:
    if attempt.error is not None:
        return attempt.error.splitlines()[0][:100] if attempt.error else "failed"
    return "answered" if attempt.ttft is None else "streamed"


def _reason(before: Attempt, after: Attempt, pause: float) -> str:
    asked = before.retry_after
    if asked is not None and before.target == after.target and abs(asked - pause) < 0.1:
        return ", as Retry-After asked"
    return ""


def _seconds(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 0.1 else f"{seconds * 1000:.1f} ms"
