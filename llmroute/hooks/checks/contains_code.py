"""Looks for code of a language.

Parameters: `format` (a language such as "Python"), `not`; `method`:
"fences" (recorded: three backticks and a tag of ASCII word characters, few tags are known),
"markdown" (fences as in Markdown, any common tag or name of the language),
"heuristics" (those, fences without a tag and code without a fence, by what lines look like).
"""

from __future__ import annotations

from collections.abc import Sequence

from ...patterns import Pattern, PatternTimeout
from ..base import Check, HookContext, Services, Verdict
from ..parameters import Parameters
from ..support import reading
from ..support.fences import markdown_fences, tags
from ..support.languages import language, recorded_language, signs_of
from ..support.report import excerpt, nothing, undecided


def build(parameters: Parameters, services: Services) -> Check:
    """Empty text is nothing to judge."""
    wanted = reading.filled_text(parameters, "format", limit=100)
    negated = parameters.flag("not")
    method = parameters.choice("method", ("fences", "markdown", "heuristics"), "fences")
    parameters.done()
    named = {"searchedFormat": wanted, "not": negated}
    signs = signs_of(language(wanted)) if method == "heuristics" else ()

    def check(context: HookContext) -> Verdict:
        text = context.text
        if not text:
            return nothing(named)
        if method == "fences":
            found = [recorded_language(tag) for tag in tags(text)]
            there = wanted in found
        else:
            try:
                found = _found(text, language(wanted), signs)
            except PatternTimeout as reason:
                return undecided(f"Whether there is code is undecided: {reason}.", named)
            there = language(wanted) in found
        passed = there is not negated
        data = {
            "explanation": f"There is {'' if there else 'no '}code in this format.",
            **named,
            "foundFormats": found,
            "textExcerpt": excerpt(text),
        }
        return Verdict(passed, data)

    return check


def _found(text: str, wanted: str, signs: Sequence[Pattern]) -> list[str]:
    """The languages of the fences, and `wanted` where one of the `signs` is outside of tagged fences.

    Raises PatternTimeout.
    """
    found, untagged, position = [], [], 0
    for fence in markdown_fences(text):
        if fence.tag:
            found.append(language(fence.tag))
        else:
            untagged.append(fence.body)
        untagged.append(text[position : fence.start])
        position = fence.end
    untagged.append(text[position:])
    rest = "\n".join(untagged)
    if wanted not in found and any(sign.search(rest) for sign in signs):
        found.append(wanted)
    return found
