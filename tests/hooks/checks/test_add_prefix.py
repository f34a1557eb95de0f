"""addPrefix."""

from __future__ import annotations

import pytest
from ask_kit import after, before, built, problems_of

IMAGE = {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}


def content(parameters, given):
    """What becomes of the content of the last message; None where the request is not touched."""
    verdict = built("addPrefix", {"prefix": "P: ", **parameters})(before(given))
    return None if verdict.request is None else verdict.request["messages"][-1]["content"]


@pytest.mark.parametrize(
    ("given", "recorded", "strict"),
    [
        ("hi", "P: hi", "P: hi"),
        (None, None, "P: "),
        ([], [], [{"type": "text", "text": "P: "}]),
        (
            [{"type": "text", "text": "a"}],
            [{"type": "text", "text": "P: a"}],
            [{"type": "text", "text": "P: a"}],
        ),
        ([IMAGE], [{"type": "text", "text": "P: "}, IMAGE], [{"type": "text", "text": "P: "}, IMAGE]),
    ],
)
def test_a_prefix_is_put_before_the_text(given, recorded, strict):
    """Null and empty contents of a last message stay, as recorded, unless `strict`; images never get a text."""
    assert recorded == content({}, given)
    assert strict == content({"strict": True}, given)


def test_nothing_is_reported_as_transformed_that_is_not_where_strict():
    """The reference says `transformed` for a message that it left alone."""
    for given, parameters in (("hi", {"onlyIfEmpty": True}), (5, {})):
        default = built("addPrefix", {"prefix": "P", **parameters})(before(given))
        strict = built("addPrefix", {"prefix": "P", "strict": True, **parameters})(before(given))

        assert default.request is not None
        assert (None, True) == (strict.request, strict.passed)


def test_only_if_empty_fills_blank_messages():
    """With `strict` missing content, too."""
    assert "P:  " == content({"onlyIfEmpty": True}, " ")
    assert "P: " == content({"onlyIfEmpty": True, "strict": True}, None)


def test_the_request_itself_is_never_changed():
    """A new body shares what is the same."""
    context = before("hi")

    built("addPrefix", {"prefix": "P"})(context)

    assert "hi" == context.request["messages"][0]["content"]


def test_after_the_call_nothing_is_done():
    """An answer has no prefix."""
    assert None is built("addPrefix", {"prefix": "P"})(after()).response


@pytest.mark.parametrize("prefix", [None, "", 5])
def test_a_prefix_is_needed(prefix):
    """Text that is not empty."""
    assert 1 == len(problems_of("addPrefix", {"prefix": prefix}))
