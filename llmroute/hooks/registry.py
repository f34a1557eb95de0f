"""Which checks there are. To add one: a file with a `build`, and a line here.

Every other table lists ids of CHECKS, too: what the engine has to know of a check before it runs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, cast

if TYPE_CHECKING:
    from .base import Build

_CHECKS = "llmroute.hooks.checks."
_PARTNERS = "llmroute.hooks.partners."

#: Ids and the functions behind them, as "module:name"; imported when a plan needs them.
CHECKS: Final[Mapping[str, str]] = {
    "azure.contentSafety": _PARTNERS + "rows:AZURE_CONTENT_SAFETY",
    "bedrock.guard": _PARTNERS + "rows:BEDROCK_GUARD",
    "default.addPrefix": _CHECKS + "add_prefix:build",
    "default.alllowercase": _CHECKS + "all_lowercase:build",
    "default.allowedRequestTypes": _CHECKS + "allowed_request_types:build",
    "default.alluppercase": _CHECKS + "all_uppercase:build",
    "default.characterCount": _CHECKS + "character_count:build",
    "default.contains": _CHECKS + "contains:build",
    "default.containsCode": _CHECKS + "contains_code:build",
    "default.endsWith": _CHECKS + "ends_with:build",
    "default.inlineImageUrls": _CHECKS + "inline_image_urls:build",
    "default.jsonKeys": _CHECKS + "json_keys:build",
    "default.jsonSchema": _CHECKS + "json_schema:build",
    "default.jwt": _CHECKS + "jwt:build",
    "default.log": _CHECKS + "log:build",
    "default.modelRules": _CHECKS + "model_rules:build",
    "default.modelWhitelist": _CHECKS + "model_whitelist:build",
    "default.moderation": _CHECKS + "moderation:build",
    "default.notNull": _CHECKS + "not_null:build",
    "default.pii": _CHECKS + "pii:build",
    "default.promptInjection": _CHECKS + "prompt_injection:build",
    "default.regexMatch": _CHECKS + "regex_match:build",
    "default.regexReplace": _CHECKS + "regex_replace:build",
    "default.requestParameters": _CHECKS + "request_parameters:build",
    "default.requiredMetadataKeyValuePairs": _CHECKS + "required_metadata_key_value_pairs:build",
    "default.requiredMetadataKeys": _CHECKS + "required_metadata_keys:build",
    "default.secrets": _CHECKS + "secrets:build",
    "default.sentenceCount": _CHECKS + "sentence_count:build",
    "default.tokenBudget": _CHECKS + "token_budget:build",
    "default.validUrls": _CHECKS + "valid_urls:build",
    "default.webhook": _CHECKS + "webhook:build",
    "default.wordCount": _CHECKS + "word_count:build",
    "mistral.moderateContent": _PARTNERS + "rows:MISTRAL_MODERATE_CONTENT",
    "openai.moderation": _PARTNERS + "rows:OPENAI_MODERATION",
    "pangea.textGuard": _PARTNERS + "rows:PANGEA_TEXT_GUARD",
}

#: Other spellings of ids: those of the reference's manifest and of the hosted product's documentation.
ALIASES: Final[Mapping[str, str]] = {
    "default.isAllLowerCase": "default.alllowercase",
    "default.modelwhitelist": "default.modelWhitelist",
    "default.requestParametersCheck": "default.requestParameters",
    "default.requiredMetadataKeyPairs": "default.requiredMetadataKeyValuePairs",
    "default.modelrules": "default.modelRules",
}

#: Checks that call services: refused in configs that came with a request.
OUTGOING: Final = frozenset(
    {
        "default.inlineImageUrls",
        "default.jwt",
        "default.log",
        "default.moderation",
        "default.validUrls",
        "default.webhook",
    }
)

#: Checks that never let pass what they could not judge, whatever the policy for errors is.
CLOSED: Final = frozenset({"default.jwt"})

#: Checks that change what they judge: a hook with one is never merely told of the end of a stream.
TRANSFORMING: Final = frozenset({"default.addPrefix", "default.inlineImageUrls", "default.regexReplace"})

#: Checks that do so when their parameter `redact` says so.
REDACTING: Final = frozenset({"default.pii", "default.secrets"})

#: Checks that cover the whole conversation wherever they stand, unless their parameters say otherwise.
WHOLE: Final = frozenset({"default.pii", "default.secrets"})

#: Checks that then use `HookContext.restore_later`, unless `restore` is false.
RESTORING: Final = frozenset({"default.pii"})

#: Characters that one finding can span, where that is more than a window's usual overlap.
REACH: Final[Mapping[str, int]] = {"default.pii": 320, "default.secrets": 8_192}


def is_outgoing(check: str) -> bool:
    """Whether a check of this library calls a service; those of partners all do."""
    return check in OUTGOING or not check.startswith("default.")


def transforms(check: str, parameters: Mapping[str, Any]) -> bool:
    """Whether a check of this library may change what it judges."""
    return check in TRANSFORMING or (check in REDACTING and parameters.get("redact") is True)


def restores(check: str, parameters: Mapping[str, Any]) -> bool:
    """Whether what a check takes out of the request returns in the answer."""
    return (
        check in RESTORING and transforms(check, parameters) and parameters.get("restore", True) is not False
    )


def resolve(check: str) -> Build:
    """The `build` behind an id of CHECKS."""
    module, _, name = CHECKS[check].partition(":")
    return cast("Build", getattr(import_module(module), name))


def near_ids(custom: Iterable[str]) -> list[str]:
    """All ids that a config may use, for hints."""
    return [*custom, *CHECKS, *ALIASES]
