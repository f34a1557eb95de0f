"""Calls recorded from the gateway, and those where the API's documentation asks for something else."""

from __future__ import annotations

from typing import Any

import gemini_kit as kit
import pytest
from compare_kit import differences

RECORDED = kit.cases("google")
OWN = kit.cases("google_own")

_IDS = (".functionCall.id: unexpected", ".functionResponse.id: unexpected")


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
        assert [] == differences({**expected, "query": {}}, call)
        found = differences(expected["json"], call["json"], exact=True)
        # The reference drops the ids of calls, by which parallel ones are told apart.
        assert [] == [each for each in found if not each.endswith(_IDS)]


@pytest.mark.parametrize("case", [case for case in RECORDED + OWN if "sse" not in case["expect"]], ids=by_id)
def test_the_caller_gets_what_was_expected(case: dict[str, Any]) -> None:
    """Status and completion, or status and error object."""
    done = kit.run(case)

    assert case["expect"]["status"] == done.status
    assert [] == differences(case["expect"]["json"], done.body)


@pytest.mark.parametrize("case", [case for case in RECORDED if "sse" in case["expect"]], ids=by_id)
def test_the_caller_gets_the_recorded_stream(case: dict[str, Any]) -> None:
    """Joined, the chunks say the same as those of the gateway, and the last usage is the same."""
    done = kit.run(case)
    chunks = [{"choices": [], **chunk} for chunk in case["expect"]["sse"]]

    wanted, got = kit.joined(chunks), kit.joined(done.chunks)
    assert [] == differences([*wanted.values()], [*got.values()])
    assert [] == differences(kit.usage_of(chunks)[-1:], kit.usage_of(done.chunks))
    assert done.failure is None


@pytest.mark.parametrize("case", [case for case in OWN if "sse" in case["expect"]], ids=by_id)
def test_the_caller_gets_the_documented_stream(case: dict[str, Any]) -> None:
    """Chunk by chunk as stated; a failure comes after what was complete."""
    done = kit.run(case)

    assert [] == differences(case["expect"]["sse"], done.chunks)
    if "failure" in case["expect"]:
        assert done.failure is not None
        shown = {name: getattr(done.failure, name) for name in case["expect"]["failure"]}
        assert case["expect"]["failure"] == shown
    else:
        assert done.failure is None


@pytest.mark.parametrize("case", OWN, ids=by_id)
def test_every_loss_is_told_and_nothing_else(case: dict[str, Any]) -> None:
    """The warnings name exactly the parameters that the API could not be given as they were."""
    assert case["warnings"] == [text.split()[0] for text in kit.run(case).warnings]
