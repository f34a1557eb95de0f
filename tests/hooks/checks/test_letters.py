"""alluppercase and alllowercase."""

from __future__ import annotations

import pytest
from ask_kit import judge


@pytest.mark.parametrize(
    ("text", "upper", "lower"),
    [
        ("\u041f\u0420\u0418\u0412\u0415\u0422", True, False),
        ("\u043f\u0440\u0438\u0432\u0435\u0442", False, True),
        ("\u041f\u0440\u0438\u0432\u0435\u0442", False, False),
        ("\uff21\uff22", True, False),
        ("STRA\u00dfE", False, False),
        ("\u65e5\u672c 12!", True, True),
        ("\u01c5", False, False),
        ("ABC \u00c9", True, False),
    ],
)
def test_letters_of_every_script_count_where_asked_for(text, upper, lower):
    """Without `unicode` only ASCII letters do, as recorded."""
    assert upper is judge("alluppercase", {"unicode": True}, text)
    assert lower is judge("alllowercase", {"unicode": True}, text)
    assert upper is not judge("alluppercase", {"unicode": True, "not": True}, text)


@pytest.mark.parametrize("text", ["ABC \u00e9", "ABC", "\u043f", "!"])
def test_only_ascii_letters_count_by_default(text):
    """A small letter of another script is none."""
    assert judge("alluppercase", {}, text)
    assert not judge("alluppercase", {}, text + "a")
