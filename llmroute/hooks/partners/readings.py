"""Reading a partner's answer: each function gives a Judgement, or None for what is no verdict.

An answer has to say everything that was asked: a category that is missing is no pass. Findings name
categories, kinds and scores; what was found in the text is never among them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, Final, TypeGuard

import attrs

MAX_NAME: Final = 100


@attrs.frozen
class Judgement:
    """What a service said about one request.

    `change` makes the text that passes out of the one that was judged; None where it passes as it is.
    """

    passed: bool
    findings: tuple[Mapping[str, Any], ...] = ()
    change: Callable[[str], str | None] | None = attrs.field(default=None, repr=False)


def severities(answer: Any, values: Mapping[str, Any]) -> Judgement | None:
    """Azure: `categoriesAnalysis[].severity` from `severity` on, and `blocklistsMatch[]`."""
    analysed = _objects(_member(answer, "categoriesAnalysis"))
    matched = _objects(_member(answer, "blocklistsMatch") or [])
    if analysed is None or matched is None:
        return None
    levels = [(entry.get("category"), entry.get("severity")) for entry in analysed]
    if not _covers([category for category, _ in levels], values["categories"]):
        return None
    if values["blocklistNames"] and "blocklistsMatch" not in answer:
        return None
    findings: list[Mapping[str, Any]] = []
    for category, level in levels:
        if not _is_number(level):
            return None
        if level >= values["severity"]:
            findings.append({"category": name_of(category), "severity": level})
    findings += [{"blocklist": name_of(entry.get("blocklistName"))} for entry in matched]
    return _judged(findings)


def categories(answer: Any, values: Mapping[str, Any]) -> Judgement | None:
    """Mistral and OpenAI: `results[].categories`, each true or false, one result for each input.

    `categories` limits which count. `thresholds` puts a score of `results[].category_scores` in the place
    of the service's own word for a category. A result that is `flagged` fails where nothing was limited.
    """
    results = _objects(_member(answer, "results"))
    if not results or len(results) < values["count"]:
        return None
    findings: list[Mapping[str, Any]] = []
    for result in results:
        found = _flagged(result, values.get("categories") or (), values.get("thresholds") or {})
        if found is None:
            return None
        findings += found
    return _judged(findings)


def _flagged(
    result: Mapping[str, Any], chosen: Collection[str], thresholds: Mapping[str, float]
) -> list[Mapping[str, Any]] | None:
    said, scores = result.get("categories"), result.get("category_scores") or {}
    if not isinstance(said, Mapping) or not said or not isinstance(scores, Mapping):
        return None
    if not _covers(said, chosen) or not _covers(scores, thresholds):
        return None
    found: list[Mapping[str, Any]] = []
    for category in chosen or said.keys() | thresholds.keys():
        score = scores.get(category)
        if category in thresholds:
            if not _is_number(score):
                return None
            hit = score >= thresholds[category]
        else:
            hit = said[category]
            # OpenAI: null for kinds that do not apply to a text.
            if hit is not None and not isinstance(hit, bool):
                return None
        if hit:
            found.append({"category": name_of(category)} | ({"score": score} if _is_number(score) else {}))
    if not found and not chosen and not thresholds and result.get("flagged") is True:
        found.append({"category": "flagged"})
    return found


def detectors(answer: Any, values: Mapping[str, Any]) -> Judgement | None:
    """Pangea: `result.detectors.{name}.detected`, and `result.blocked`."""
    result = _member(answer, "result")
    named = _member(result, "detectors")
    if _member(answer, "status") != "Success" or not isinstance(named, Mapping):
        return None
    blocked = _member(result, "blocked")
    if not named and not isinstance(blocked, bool):
        return None
    findings: list[Mapping[str, Any]] = []
    for name, detector in named.items():
        if detector is None:
            continue
        detected = _member(detector, "detected")
        if detected is not None and not isinstance(detected, bool):
            return None
        if detected:
            findings.append({"detector": name_of(name)})
    if blocked is True and not findings:
        findings.append({"detector": "blocked"})
    return _judged(findings)


def guardrail(answer: Any, values: Mapping[str, Any]) -> Judgement | None:
    """Amazon Bedrock: `action`; with `redact` a guardrail that found nothing but personal data passes,
    with that taken out.
    """
    action, assessed = _member(answer, "action"), _objects(_member(answer, "assessments") or [])
    if action not in ("NONE", "GUARDRAIL_INTERVENED") or assessed is None:
        return None
    entries = [entry for assessment in assessed for entry in _assessed(assessment)]
    findings = tuple(_finding(policy, entry) for policy, entry in entries)
    if action == "NONE":
        return Judgement(True, findings)
    personal = [entry for policy, entry in entries if policy == _PERSONAL]
    if not values.get("redact") or not personal or len(personal) < len(entries):
        return Judgement(False, findings or ({"policy": "guardrail"},))
    if any(entry.get("action") == "ANONYMIZED" for entry in personal):
        outputs = _objects(_member(answer, "outputs") or _member(answer, "output"))
        text = outputs[0].get("text") if outputs else None
        return Judgement(True, findings, lambda piece: text) if isinstance(text, str) else None
    matches = [entry.get("match") for entry in personal]
    if not all(isinstance(match, str) and match for match in matches):
        return None
    changes = dict(zip(matches, map(_label, personal), strict=True))
    return Judgement(True, findings, lambda piece: _without(piece, changes))


_PERSONAL: Final = "sensitiveInformationPolicy"
#: The policies of an assessment, and the lists of what they found.
_POLICIES: Final[Mapping[str, tuple[str, ...]]] = {
    "topicPolicy": ("topics",),
    "contentPolicy": ("filters",),
    "wordPolicy": ("customWords", "managedWordLists"),
    _PERSONAL: ("piiEntities", "regexes"),
    "contextualGroundingPolicy": ("filters",),
}


def _assessed(assessment: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """What the guardrail acted on; entries that it only noticed have the action NONE.

    A policy that this module does not know counts as one entry, so that it is never overlooked.
    """
    for policy, found in assessment.items():
        if policy.endswith("Policy"):
            lists = _POLICIES.get(policy)
            if lists is None:
                yield policy, {}
            for name in lists or ():
                for entry in _objects(_member(found, name) or []) or ():
                    if entry.get("action") != "NONE":
                        yield policy, entry


def _finding(policy: str, entry: Mapping[str, Any]) -> Mapping[str, Any]:
    named = entry.get("type") or entry.get("name")
    return {"policy": name_of(policy)} | ({} if named is None else {"type": name_of(named)})


def _label(entry: Mapping[str, Any]) -> str:
    return "{" + name_of(entry.get("type") or entry.get("name") or "REDACTED") + "}"


def _without(text: str, changes: Mapping[Any, str]) -> str | None:
    """The text without the matches, the longest first; None when one of them is not in it."""
    if not all(match in text for match in changes):
        return None
    for match in sorted(changes, key=len, reverse=True):
        text = text.replace(match, changes[match])
    return text


# -- parts of answers --------------------------------------------------------------------------------


def name_of(value: object) -> str:
    """A name out of an answer, cut where it is long."""
    return str(value)[:MAX_NAME] if isinstance(value, (str, int)) else "unnamed"


def _judged(findings: list[Mapping[str, Any]]) -> Judgement:
    return Judgement(not findings, tuple(findings))


def _member(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, Mapping) else None


def _objects(value: Any) -> list[Mapping[str, Any]] | None:
    """A list of objects, None for anything else."""
    good = isinstance(value, list) and all(isinstance(entry, Mapping) for entry in value)
    return value if good else None


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _covers(given: Collection[Any], wanted: Collection[str]) -> bool:
    return all(name in given for name in wanted)
