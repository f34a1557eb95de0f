"""Which family a Bedrock model belongs to, read off its id, and what the families accept.

Sources: docs.aws.amazon.com/bedrock, "Supported models and model features", "Prompt caching",
"Inference request parameters"; docs.aws.amazon.com/nova, user guides of Nova 1 and 2.
"""

from __future__ import annotations

import re
from typing import Any, Final
from urllib.parse import unquote

import attrs

from ..anthropic.models import version_of
from ..base import EncodeError

# fmt: off
_VENDORS: Final = frozenset({
    "ai21", "amazon", "anthropic", "cohere", "deepseek", "google", "meta", "minimax", "mistral", "moonshot",
    "moonshotai", "nvidia", "openai", "qwen", "stability", "twelvelabs", "writer", "zai",
})
# fmt: on
#: Models that Converse does not serve: InvokeModel with a prompt.
LEGACY: Final = frozenset(
    {
        "ai21.j2-mid-v1",
        "ai21.j2-ultra-v1",
        "cohere.command-light-text-v14",
        "cohere.command-text-v14",
    }
)
#: Families whose models take text and pictures, but no sound.
_DEAF: Final = frozenset({"ai21", "anthropic", "cohere", "deepseek", "meta", "openai"})
_CACHING: Final = frozenset({"", "amazon", "anthropic"})
_NOVA_1: Final = re.compile(r"nova-(?:micro|lite|pro|premier)-v1")
_NOVA_2: Final = re.compile(r"nova-2-")
_OLD_CLAUDE: Final = re.compile(r"claude-(?:v\d|instant)")
_ENCODED_ARN: Final = re.compile(r"arn%3a", re.IGNORECASE)


@attrs.frozen
class Model:
    """A model. `asked` is its name in the request, `id` that name decoded.

    `known` is the id that tells the family and the generation: the model's own, or the foundation
    model that the config names for an inference profile of the account's own. `family` is the
    vendor's label in it, "" when it has none.
    """

    asked: str
    id: str
    known: str
    family: str

    @property
    def claude(self) -> str | None:
        """The name by which Anthropic's tables know a Claude; None for all other models."""
        if self.family != "anthropic":
            return None
        return "claude-2-0" if _OLD_CLAUDE.search(self.known) else self.known

    @property
    def is_nova_2(self) -> bool:
        return self.family == "amazon" and _NOVA_2.search(self.known) is not None

    @property
    def takes_audio(self) -> bool:
        return self.family not in _DEAF and not (self.family == "amazon" and _NOVA_1.search(self.known))

    @property
    def takes_cache_points(self) -> bool:
        """In messages and the system prompt; models of other vendors refuse them."""
        return self.family in _CACHING

    @property
    def takes_tool_cache_points(self) -> bool:
        return self.takes_cache_points and self.family != "amazon"

    @property
    def takes_result_status(self) -> bool:
        """`toolResult.status`: "only supported by Amazon Nova and Anthropic Claude 3 and 4 models"."""
        return self.family in ("amazon", "anthropic")

    @property
    def takes_schemas(self) -> bool:
        """Structured outputs and strict tools: Claude from 4.5 on and most open-weight models."""
        claude = self.claude
        if claude is not None:
            version = version_of(claude)
            return version is None or version >= (4, 5)
        return self.family in _STRUCTURED and "deepseek.r1" not in self.known

    @property
    def takes_signatures(self) -> bool:
        """Whether signed or encrypted reasoning may be sent; models of other vendors refuse it."""
        return self.family in ("", "amazon", "anthropic")

    @property
    def keeps_unsigned_reasoning(self) -> bool:
        """Whether reasoning without a signature may go back; most models refuse it."""
        return self.family == "openai"


_STRUCTURED: Final = frozenset(
    {"deepseek", "google", "minimax", "mistral", "moonshot", "moonshotai", "nvidia", "openai", "qwen", "zai"}
)


def model_of(name: Any, hint: Any = None) -> Model:
    """The model that a request names; `hint` is the foundation model behind it, where the id is opaque.

    An ARN that is percent-encoded already is decoded. Raises EncodeError when `name` is no model.
    """
    if not isinstance(name, str) or not name:
        raise EncodeError("model: the name of a model was expected", "model")
    id = unquote(name) if _ENCODED_ARN.match(name) else name
    try:
        id.encode("utf-8")
    except UnicodeEncodeError:
        raise EncodeError("model: not a usable text", "model") from None
    family = _family(id)
    if not family and isinstance(hint, str) and hint:
        return Model(name, id, hint, _family(hint))
    return Model(name, id, id, family)


def _family(name: str) -> str:
    """The vendor in "us.anthropic.claude-...", or in the resource of an ARN."""
    resource = name[:2048].rpartition("/")[2] if name.startswith("arn:") else name[:2048]
    return next((label for label in resource.split(".") if label in _VENDORS), "")
