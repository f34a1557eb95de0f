"""Replaces what a JavaScript pattern matches.

Parameters: `rule`, `/pattern/flags` or a plain pattern; `redactText` ("[REDACTED]", with JavaScript's `$1`,
`$&` and the like); `failOnDetection`; `all`: replace every match although the flag `g` is missing (without
it only the first is replaced, as recorded).
"""

from __future__ import annotations

from typing import Final

import attrs

from ...clock import Clock
from ...patterns import MAX_PATTERN, MAX_REPLACEMENT, Pattern, PatternTimeout
from ..base import Check, HookContext, Services, Verdict
from ..parameters import Parameters
from ..support import reading
from ..support.report import nothing, undecided

#: Seconds for all the texts of one check, and for each.
TIMEOUT: Final = 0.1
TIMEOUT_EACH: Final = 0.020

_FLAGS = frozenset("gimsuyd")
_LINE_ENDS = frozenset("\n\r\u2028\u2029")


def build(parameters: Parameters, services: Services) -> Check:
    """Each text is searched for itself. Errors keep the verdict true, as recorded."""
    rule = reading.filled_text(parameters, "rule", limit=MAX_PATTERN + 10)
    redaction = parameters.text("redactText", "", limit=MAX_REPLACEMENT) or "[REDACTED]"
    fails = parameters.flag("failOnDetection")
    everywhere = parameters.flag("all")
    parameters.done()
    source, flags = parse_rule(rule)
    if len(set(flags)) < len(flags):
        parameters.problem("rule", "a flag stands twice")
    pattern = reading.pattern(parameters, "rule", source, "".join(sorted(set(flags) - set("gyd"))))
    named = {"regexPattern": rule}
    if pattern is None:
        return lambda context: undecided("There is no pattern.", named, passed=True)
    replacing = _Replacing(pattern, redaction, everywhere or "g" in flags, "y" in flags, services.clock)

    def check(context: HookContext) -> Verdict:
        texts = context.texts
        if not texts.joined:
            return nothing(named, passed=True)
        try:
            pieces = replacing(texts.pieces)
        except PatternTimeout as reason:
            return undecided(f"The pattern is undecided: {reason}.", named, passed=True)
        found = pieces is not None
        passed = not (found and fails)
        explanation = "The pattern matches and was replaced." if found else "The pattern does not match."
        data = {**named, "verdict": passed, "explanation": explanation}
        body = None if pieces is None else texts.replaced(pieces)
        return Verdict(passed, data) if body is None else Verdict(passed, data, **context.changed(body))

    return check


def parse_rule(rule: str) -> tuple[str, str]:
    """Pattern and flags of `/pattern/flags`; a rule of another form is a pattern without flags."""
    slash = rule.rfind("/")
    flags = rule[slash + 1 :]
    if rule[:1] != "/" or slash < 2 or not _FLAGS.issuperset(flags) or not _LINE_ENDS.isdisjoint(rule):
        return rule, ""
    return rule[1:slash], flags


@attrs.frozen
class _Replacing:
    pattern: Pattern
    redaction: str
    everywhere: bool
    sticky: bool
    clock: Clock

    def __call__(self, pieces: tuple[str, ...]) -> list[str] | None:
        """The pieces with matches replaced, None when there are none. Raises PatternTimeout."""
        end = self.clock.now() + TIMEOUT
        found = False
        replaced = list(pieces)
        for index, piece in enumerate(pieces):
            left = min(TIMEOUT_EACH, end - self.clock.now())
            if piece and (count := self._count(piece, left)) != 0:
                found = True
                replaced[index] = self.pattern.sub(self.redaction, piece, left, count=count)
        return replaced if found else None

    def _count(self, piece: str, timeout: float) -> int | None:
        """How many matches are to be replaced; None is all of them."""
        match = self.pattern.search(piece, timeout)
        if match is None or (self.sticky and match.start > 0):
            return 0
        if not self.everywhere:
            return 1
        if not self.sticky:
            return None
        # Each match has to begin where the one before ended.
        count = position = 0
        for start, end in self.pattern.findall_spans(piece, timeout):
            if start != position:
                break
            count, position = count + 1, end
        return count
