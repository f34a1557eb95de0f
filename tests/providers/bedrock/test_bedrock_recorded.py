"""Calls recorded from the gateway, and those where Amazon's documentation asks for something else."""

from __future__ import annotations

import json
from typing import Any

import bedrock_kit as kit
import pytest
from compare_kit import differences

chat = pytest.importorskip("openai.types.chat")
pytest.importorskip("botocore")

RECORDED = kit.cases("bedrock")
OWN = kit.cases("bedrock_own")
CREATED = {"created": 1}
#: Values that Amazon refuses, sent as the caller gave them.
REFUSED = ("bedrock-max-tokens-zero",)


@pytest.fixture(scope="module")
def judge() -> kit.Judge:
    """Amazon's model of the API; reading it takes a moment."""
    return kit.Judge()


def by_id(case: dict[str, Any]) -> str:
    return str(case["id"])


@pytest.mark.parametrize("case", RECORDED + OWN, ids=by_id)
def test_the_provider_receives_what_was_expected(case: dict[str, Any]) -> None:
    """Method, path, query and headers as expected, and a body with these members and no others."""
    expected, call = case["expect_upstream"], kit.run(case).call

    if expected is None:
        assert call is None
    else:
        assert call is not None
        headers = {name: value for name, value in expected["headers"].items() if name not in kit.SIGNED}
        assert [] == differences({**expected, "headers": headers}, call)
        body = {name: value for name, value in expected["json"].items() if value is not None}
        assert [] == differences(body, call["json"], exact=True)


@pytest.mark.parametrize("case", RECORDED + OWN, ids=by_id)
def test_every_request_is_one_of_converse(case: dict[str, Any], judge: kit.Judge) -> None:
    """By Amazon's own model: no unknown member, nothing missing, the right types and words."""
    call = kit.run(case).call
    if call is None or not call["path"].rpartition("/")[2].startswith("converse"):
        return
    problems = judge.problems(call["json"], case["request"]["body"]["model"])

    assert (case["id"] in REFUSED) == bool(problems), problems


@pytest.mark.parametrize("case", [case for case in RECORDED + OWN if "json" in case["expect"]], ids=by_id)
def test_the_caller_gets_what_was_expected(case: dict[str, Any]) -> None:
    """Status and completion, or status and error object."""
    done = kit.run(case)

    assert case["expect"]["status"] == done.status
    assert [] == differences(case["expect"]["json"], done.body)


@pytest.mark.parametrize("case", [case for case in RECORDED if "sse" in case["expect"]], ids=by_id)
def test_the_caller_gets_the_recorded_stream(case: dict[str, Any]) -> None:
    """Joined, the chunks say the same as those recorded."""
    done = kit.run(case)
    wanted = kit.assembled(chunk for chunk in case["expect"]["sse"] if isinstance(chunk, dict))

    assert [] == differences(wanted, kit.assembled(done.chunks or []))
    assert done.failure is None


@pytest.mark.parametrize("case", [case for case in OWN if "message" in case["expect"]], ids=by_id)
def test_the_caller_gets_the_expected_stream(case: dict[str, Any]) -> None:
    """Joined, the chunks say what was expected; a failure comes after what was complete."""
    done, expect = kit.run(case), case["expect"]
    wanted = {name: expect[name] for name in ("message", "finish_reason", "usage")}

    assert [] == differences(wanted, kit.assembled(done.chunks or []))
    if "failure" in expect:
        shown = {name: getattr(done.failure, name) for name in expect["failure"]}
        assert [] == differences(expect["failure"], shown)
    else:
        assert done.failure is None


@pytest.mark.parametrize("case", OWN, ids=by_id)
def test_every_loss_is_told_and_nothing_else(case: dict[str, Any]) -> None:
    """The warnings name exactly the parameters that Amazon could not be given as they were."""
    assert case["warnings"] == [text.split()[0] for text in kit.run(case).warnings]


@pytest.mark.parametrize("case", RECORDED + OWN, ids=by_id)
def test_every_strict_answer_is_one_of_openai(case: dict[str, Any]) -> None:
    """Completions and chunks parse strictly as the openai package's; the router adds time and id."""
    if case["request"]["headers"].get("x-portkey-strict-open-ai-compliance") == "false":
        return
    done = kit.run(case)
    for chunk in done.chunks or ():
        chat.ChatCompletionChunk.model_validate_json(json.dumps({"id": "x", **chunk, **CREATED}), strict=True)
    if done.chunks is None and done.status == 200 and "invoke" not in done.call["path"]:
        chat.ChatCompletion.model_validate_json(json.dumps({**done.body, **CREATED}), strict=True)
