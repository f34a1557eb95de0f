"""Gemini's token counts and log probabilities in OpenAI's words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Json = dict[str, Any]


def usage_of(metadata: Any, *, strict: bool) -> Json | None:
    """OpenAI's `usage` of a `usageMetadata`; None when there is none.

    Gemini counts thoughts beside the candidates and results of its own tools beside the prompt;
    OpenAI counts them within, so that prompt and completion add up to the total. When not `strict`
    the details also tell the other modalities.
    """
    if not isinstance(metadata, Mapping):
        return None
    thoughts = _count(metadata, "thoughtsTokenCount")
    prompt = _count(metadata, "promptTokenCount") + _count(metadata, "toolUsePromptTokenCount")
    completion = _count(metadata, "candidatesTokenCount") + thoughts
    prompt_details = _details(metadata.get("promptTokensDetails"), strict)
    prompt_details["cached_tokens"] = _count(metadata, "cachedContentTokenCount")
    completion_details = _details(metadata.get("candidatesTokensDetails"), strict)
    completion_details["reasoning_tokens"] = thoughts
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": max(_count(metadata, "totalTokenCount"), prompt + completion),
        "completion_tokens_details": completion_details,
        "prompt_tokens_details": prompt_details,
    }


def _count(metadata: Mapping[str, Any], name: str) -> int:
    value = metadata.get(name)
    return value if type(value) is int and value > 0 else 0


def _details(entries: Any, strict: bool) -> Json:
    """Tokens by modality, those of audio at least."""
    found = {"audio_tokens": 0}
    for entry in entries[:16] if isinstance(entries, list) else ():
        modality = entry.get("modality") if isinstance(entry, Mapping) else None
        if modality == "AUDIO" or (not strict and isinstance(modality, str) and modality.isalpha()):
            name = modality.lower() + "_tokens"
            found[name] = found.get(name, 0) + _count(entry, "tokenCount")
    return found


def logprobs_of(result: Any) -> Json | None:
    """OpenAI's `logprobs` of a `logprobsResult`; None when there is none."""
    chosen = result.get("chosenCandidates") if isinstance(result, Mapping) else None
    if not isinstance(chosen, list):
        return None
    tops = result.get("topCandidates")
    tops = tops if isinstance(tops, list) else []
    content = []
    for position, candidate in enumerate(chosen):
        if not isinstance(candidate, Mapping):
            continue
        top = tops[position] if position < len(tops) else None
        others = top.get("candidates") if isinstance(top, Mapping) else None
        others = others if isinstance(others, list) else []
        token = _token(candidate)
        token["top_logprobs"] = [_token(other) for other in others if isinstance(other, Mapping)]
        content.append(token)
    return {"content": content, "refusal": None}


def _token(candidate: Mapping[str, Any]) -> Json:
    token, logprob = candidate.get("token"), candidate.get("logProbability")
    token = token if isinstance(token, str) else ""
    # proto3 leaves out a probability of 1, whose logarithm is 0.
    logprob = logprob if isinstance(logprob, (int, float)) else 0.0
    return {"token": token, "logprob": logprob, "bytes": list(token.encode("utf-8", "surrogatepass"))}
