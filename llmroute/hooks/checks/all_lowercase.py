"""Passes text without capital letters.

Parameters: `not`; `unicode`: look at the letters of every script (only ASCII letters count, as recorded).
"""

from __future__ import annotations

from ..base import Check, Services
from ..parameters import Parameters
from ..support.letters import letter_check


def build(parameters: Parameters, services: Services) -> Check:
    """Text without letters passes; empty text is nothing to judge."""
    return letter_check(parameters, wanted="lower")
