"""Finds personal data, and on request takes it out and puts it back into the answer.

Parameters: `categories` (all kinds; see findings/personal.py), `redact` (false: finding any fails the
check; true: placeholders are put in its place and the check passes), `restore` (true: originals return in
the answer, in contents and tool arguments but never inside URLs), `allow` (texts that are no finding).
A placeholder holds a nonce of the call, so that nobody can guess one, and is the same for the same value
over the whole conversation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import attrs

from ..base import Check, HookContext, Services, Verdict
from ..findings.arguments import quoting, readable
from ..findings.personal import NAMES, find
from ..findings.spans import MAX_TEXT, Finding, counted, replaced
from ..parameters import Parameters
from ..support.report import undecided
from ..texts import Texts

_MEMORY: Final = "llmroute.pii"


def build(parameters: Parameters, services: Services) -> Check:
    """Without text there is no personal data: the check passes."""
    categories = known_names(parameters, "categories", NAMES)
    redact = parameters.flag("redact")
    restore = parameters.flag("restore", True)
    allowed = frozenset(text.casefold() for text in parameters.texts("allow", ()))
    parameters.done()

    def check(context: HookContext) -> Verdict:
        texts = context.texts
        if sum(map(len, texts.pieces)) > MAX_TEXT:
            return undecided(f"The texts have more than {MAX_TEXT:,} characters.")
        found = [_but(find(piece, categories), piece, allowed) for piece in readable_pieces(texts)]
        findings = [finding for each in found for finding in each]
        data = {"entities": counted(findings), "redacted": bool(redact and findings)}
        if not findings:
            return Verdict(True, {"verdict": True, "explanation": "No personal data found.", **data})
        if not redact:
            return Verdict(False, {"verdict": False, "explanation": "Personal data found.", **data})
        names = _placeholders(context, services)
        pieces = replaced_pieces(texts, found, names)
        if restore and context.event == "before":
            for original, placeholder in names.originals.items():
                context.restore_later(placeholder, original)
        data = {"verdict": True, "explanation": "Personal data was replaced.", **data}
        body = texts.replaced(pieces)
        return Verdict(True, data) if body is None else Verdict(True, data, **context.changed(body))

    return check


def readable_pieces(texts: Texts) -> list[str]:
    """The pieces as they can be searched: as long as they are, and without the escapes of JSON."""
    return [
        readable(piece) if path[-1] == "arguments" else piece
        for path, piece in zip(texts.paths, texts.pieces, strict=True)
    ]


def replaced_pieces(
    texts: Texts, found: Sequence[Sequence[Finding]], replacement: Callable[[str, str], str]
) -> list[str]:
    """The pieces with their findings replaced; the arguments of tool calls stay JSON."""
    pieces = []
    for path, piece, findings in zip(texts.paths, texts.pieces, found, strict=True):
        inside = findings and path[-1] == "arguments"
        pieces.append(
            replaced(piece, findings, quoting(piece, findings, replacement) if inside else replacement)
        )
    return pieces


def known_names(parameters: Parameters, name: str, known: tuple[str, ...]) -> frozenset[str]:
    """A list of words out of `known`, all of them when it is not given."""
    words = parameters.texts(name, known)
    for index, word in enumerate(words):
        if word not in known:
            parameters.problem(f"{name}[{index}]", f"unknown; expected some of {', '.join(known)}")
    return frozenset(words)


@attrs.define
class _Placeholders:
    """The placeholders of one call, by what they stand for."""

    nonce: str
    originals: dict[str, str] = attrs.field(factory=dict, repr=False)
    counts: dict[str, int] = attrs.field(factory=dict)

    def __call__(self, kind: str, original: str) -> str:
        placeholder = self.originals.get(original)
        if placeholder is None:
            number = self.counts[kind] = self.counts.get(kind, 0) + 1
            placeholder = self.originals[original] = f"[{kind.upper()}_{number}_{self.nonce}]"
        return placeholder


def _placeholders(context: HookContext, services: Services) -> _Placeholders:
    kept: Any = context.memory.get(_MEMORY)
    if kept is None:
        nonce = "".join(filter(str.isalnum, services.nonce()))[:12]
        kept = context.memory[_MEMORY] = _Placeholders(nonce)
    made: _Placeholders = kept
    return made


def _but(findings: list[Finding], text: str, allowed: frozenset[str]) -> list[Finding]:
    if not allowed:
        return findings
    return [finding for finding in findings if text[finding.start : finding.end].casefold() not in allowed]
