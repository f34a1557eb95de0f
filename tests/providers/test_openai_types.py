"""Every answer and every chunk of every adapter is one of OpenAI's, judged by the openai package."""

from __future__ import annotations

import json
from typing import Any

import cloud_kit as kit
import pytest
from openai.types.chat import ChatCompletion, ChatCompletionChunk

#: Tables of another kind beside the cases.
OTHERS = {"bedrock_sigv4", "oracle_types"}
CASES = [
    case
    for name in sorted(path.stem for path in kit.CASES.glob("*.json") if path.stem not in OTHERS)
    for case in kit.cases(name)
]
#: Finish reasons that the reference hands on although OpenAI has none like them, by the cases' names:
#: those of formats that came before today's, and none where Cloudflare's own format tells no end.
RECORDED_REASONS = {
    "ai21-": "endoftext",
    "bedrock-legacy-ai21-": "endoftext",
    "bedrock-legacy-cohere-": "COMPLETE",
    "workers-ai-": "",
}


def strict(case: dict[str, Any]) -> dict[str, Any]:
    """The case as somebody sends it who wants nothing but OpenAI's members and words."""
    headers = {**case["request"]["headers"], "x-portkey-strict-open-ai-compliance": "true"}
    if "x-portkey-config" in headers:
        config = json.loads(headers["x-portkey-config"])
        config.pop("strict_open_ai_compliance", None)
        headers["x-portkey-config"] = json.dumps(config)
    return {**case, "request": {**case["request"], "headers": headers}}


def without_recorded_reasons(body: Any, name: str) -> Any:
    """A completion in which "stop" stands for the reasons that are recorded for cases of that name."""
    expected = [reason for prefix, reason in RECORDED_REASONS.items() if name.startswith(prefix)]
    for choice in body["choices"]:
        if choice["finish_reason"] in expected:
            choice["finish_reason"] = "stop"
    return body


@pytest.mark.parametrize("case", CASES, ids=kit.by_id)
async def test_answers_and_chunks_parse_strictly(case: dict[str, Any]) -> None:
    """As the caller of a Router gets them, whatever else the provider said."""
    done = await kit.run(strict(case))

    for chunk in done.chunks or ():
        ChatCompletionChunk.model_validate_json(json.dumps(chunk), strict=True)
    if done.chunks is None and done.status < 300:
        body = without_recorded_reasons(json.loads(json.dumps(done.body)), case["id"])
        ChatCompletion.model_validate_json(json.dumps(body), strict=True)


def test_most_cases_have_an_answer() -> None:
    """So that there is something to judge: whole ones and streams."""
    good = [case for case in CASES if case["reply"].get("status", 200) < 300]
    assert 700 < len(good)
    assert 100 < sum(case["request"]["body"].get("stream") is True for case in good)
