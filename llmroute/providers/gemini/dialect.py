"""What differs between the services that speak generateContent."""

from __future__ import annotations

from typing import Final

import attrs


@attrs.frozen
class Dialect:
    """`origin` marks provider state, which goes back to the same service only. `members` are the
    members of a request, beside the translated ones, that the service takes. `call_ids` says whether
    function calls and responses may carry ids.
    """

    origin: str
    members: frozenset[str]
    call_ids: bool = True


#: The Gemini API. Source: GenerateContentRequest in the API reference of ai.google.dev, v1beta.
GEMINI_API: Final = Dialect(
    "google",
    frozenset({
        "safetySettings",
        "cachedContent",
        "labels",
        "toolConfig",
        "systemInstruction",
        "serviceTier",
        "continuationToken",
        "store",
    }),
)  # fmt: skip
