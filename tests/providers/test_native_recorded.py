"""Calls recorded from the gateway, and those where the provider's documentation asks for something else."""

from __future__ import annotations

from typing import Any

import native_kit as kit
import pytest
from openai.types.chat import ChatCompletion, ChatCompletionChunk

PROVIDERS = ("ai21", "cohere", "huggingface", "mistral-ai", "ollama", "reka-ai", "workers-ai")
RECORDED = [case for name in PROVIDERS for case in kit.cases(name)]
OWN = [case for name in PROVIDERS for case in kit.cases(f"{name}_own")]


@pytest.mark.parametrize("case", RECORDED + OWN, ids=kit.by_id)
def test_the_provider_receives_what_was_expected(case: dict[str, Any]) -> None:
    """Method, path, query and headers as expected, and a body with these members and no others."""
    assert [] == kit.call_differences(case, kit.run(case))


@pytest.mark.parametrize("case", RECORDED + OWN, ids=kit.by_id)
def test_the_caller_gets_what_was_expected(case: dict[str, Any]) -> None:
    """The completion, the joined stream, or the error object; a failure where one was expected."""
    assert [] == kit.answer_differences(case, kit.run(case))


@pytest.mark.parametrize("case", OWN, ids=kit.by_id)
def test_every_loss_is_told_and_nothing_else(case: dict[str, Any]) -> None:
    """The warnings name exactly the parameters that the API could not be given as they were."""
    assert sorted(case["warnings"]) == kit.told(kit.run(case).warnings)


@pytest.mark.parametrize("case", OWN, ids=kit.by_id)
def test_every_case_says_why(case: dict[str, Any]) -> None:
    """In a sentence, with the documentation that it follows."""
    assert case["says"]
    assert case["source"].startswith("https://")


@pytest.mark.parametrize("case", RECORDED + OWN, ids=kit.by_id)
def test_every_strict_answer_fits_openai_s_types(case: dict[str, Any]) -> None:
    """The reply of each case, read with strict compliance.

    Two finish reasons are recorded as they are, although OpenAI has none like them: Cloudflare's own
    form tells no end, and AI21's former API has a word of its own.
    """
    done = kit.run(case, strict=True)

    for chunk in done.chunks or ():
        ChatCompletionChunk.model_validate({**chunk, "created": 1}, strict=True)
    if done.chunks is None and done.status < 300:
        for choice in done.body["choices"]:
            if choice["finish_reason"] in ("", "endoftext"):
                choice["finish_reason"] = "stop"
        ChatCompletion.model_validate({**done.body, "created": 1}, strict=True)
