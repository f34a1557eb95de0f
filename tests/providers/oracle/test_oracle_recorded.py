"""Calls recorded from the gateway, and those where the documentation asks for something else."""

from __future__ import annotations

from typing import Any

import cloud_kit as kit
import pytest

RECORDED = kit.cases("oracle")
OWN = kit.cases("oracle_own")


@pytest.mark.parametrize("case", RECORDED, ids=kit.by_id)
async def test_a_recorded_call(case: dict[str, Any]) -> None:
    """The provider receives what the gateway sent, the caller what the gateway answered."""
    assert [] == kit.problems(case, await kit.run(case))


@pytest.mark.parametrize("case", OWN, ids=kit.by_id)
async def test_a_documented_call(case: dict[str, Any]) -> None:
    """As the case says, by its source; what could not be sent as it was is told, and nothing else."""
    done = await kit.run(case)

    assert [] == kit.problems(case, done)
    assert case["warnings"] == [text.split()[0] for text in done.warnings]
