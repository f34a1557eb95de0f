"""Finds keys, tokens and private keys, and on request masks them.

Parameters: `categories` (all issuers' forms; "generic" also looks for `password = ...` with a random value
and is asked for by name), `redact` (false: finding any fails the check; true: masked, the check passes),
`redactText` ("[SECRET]").
"""

from __future__ import annotations

from ..base import Check, HookContext, Services, Verdict
from ..findings.credentials import GENERIC_NAME, NAMES, find
from ..findings.spans import MAX_TEXT, counted
from ..parameters import Parameters
from ..support.report import undecided
from .pii import known_names, readable_pieces, replaced_pieces


def build(parameters: Parameters, services: Services) -> Check:
    """What is masked does not return: nobody needs a key back."""
    categories = known_names(parameters, "categories", NAMES)
    if parameters.raw("categories") is None:
        categories -= {GENERIC_NAME}
    redact = parameters.flag("redact")
    mask = parameters.text("redactText", "[SECRET]", limit=200)
    parameters.done()

    def check(context: HookContext) -> Verdict:
        texts = context.texts
        if sum(map(len, texts.pieces)) > MAX_TEXT:
            return undecided(f"The texts have more than {MAX_TEXT:,} characters.")
        found = [find(piece, categories) for piece in readable_pieces(texts)]
        findings = [finding for each in found for finding in each]
        data = {"entities": counted(findings), "redacted": bool(redact and findings)}
        if not findings:
            return Verdict(True, {"verdict": True, "explanation": "No secrets found.", **data})
        if not redact:
            return Verdict(False, {"verdict": False, "explanation": "Secrets found.", **data})
        pieces = replaced_pieces(texts, found, lambda kind, secret: mask)
        data = {"verdict": True, "explanation": "Secrets were masked.", **data}
        body = texts.replaced(pieces)
        return Verdict(True, data) if body is None else Verdict(True, data, **context.changed(body))

    return check
