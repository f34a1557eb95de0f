"""The partners' services. To add one: a row here, and a line with its name in `registry.CHECKS`.

A row needs no code where the templates of `service.Partner` and a function of `readings` fit. Endpoints and
verdicts: spec/GUARDRAIL_PARTNERS.md, and the references of the services' APIs.

    ACME_SCAN = Partner(
        base="https://api.acme.example",
        endpoint=Endpoint("/v1/scan", {"input": "{text}", "level": "{level}"}),
        headers={"X-Api-Key": "{apiKey}"},
        credentials=(API_KEY,),
        options=lambda parameters: {"level": parameters.text("level", "high")},
        read=categories,
    )
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ...providers.auth.sigv4 import AwsKeys, Signer
from ...wire.message import WireRequest
from ..parameters import Parameters
from ..support import reading
from .credentials import Credential
from .readings import categories, detectors, guardrail, severities
from .service import Endpoint, Override, Partner

API_KEY: Final = Credential("apiKey", member="api_key")
_BEARER: Final = {"Authorization": "Bearer {apiKey}"}

# -- Azure -------------------------------------------------------------------------------------------


def _azure_options(parameters: Parameters) -> Mapping[str, Any]:
    mode = parameters.raw("azureAuthMode")
    if mode not in (None, "apiKey", "apikey"):
        parameters.problem("azureAuthMode", "expected apiKey: other ways to sign in are not supported")
    categories = parameters.texts("categories", ("Hate", "SelfHarm", "Sexual", "Violence"), limit=20)
    blocklists = parameters.texts("blocklistNames", (), limit=100)
    if not categories and not blocklists:
        parameters.problem("categories", "expected a category, or a blocklist in blocklistNames")
    return {
        "apiVersion": parameters.text("apiVersion", "2024-11-01", limit=50),
        "blocklistNames": list(blocklists) or None,
        "categories": list(categories),
        "severity": parameters.number("severity", 2, low=0, high=7),
    }


#: `categories` (all four), `severity` (2: the least that fails, 0 to 7), `blocklistNames`, `apiVersion`.
#: The service takes 10,000 characters at a time.
AZURE_CONTENT_SAFETY: Final = Partner(
    base="https://{resourceName}.cognitiveservices.azure.com",
    override=Override(),
    endpoint=Endpoint(
        "/contentsafety/text:analyze?api-version={apiVersion}",
        {"text": "{text}", "categories": "{categories}", "blocklistNames": "{blocklistNames}"},
    ),
    headers={"Ocp-Apim-Subscription-Key": "{apiKey}"},
    credentials=(API_KEY, Credential("resourceName", member="resource_name")),
    section="contentSafety",
    options=_azure_options,
    read=severities,
    window=10_000,
)

# -- Amazon Bedrock ----------------------------------------------------------------------------------


def _bedrock_options(parameters: Parameters) -> Mapping[str, Any]:
    version = reading.text_or_number(parameters, "guardrailVersion", limit=20)
    return {
        "guardrailId": parameters.text("guardrailId", limit=2048),
        "guardrailVersion": str(version),
        "redact": parameters.flag("redact"),
    }


def _bedrock_signature(wire: WireRequest, known: Mapping[str, str], now: float) -> WireRequest:
    keys = AwsKeys(known["awsAccessKeyId"], known["awsSecretAccessKey"], known.get("awsSessionToken"))
    return Signer("bedrock", known["awsRegion"]).sign(wire, keys, now)


#: `guardrailId`, `guardrailVersion`, `redact` (false: personal data that the guardrail blocks or masks is
#: taken out and the check passes, where the guardrail found nothing else).
BEDROCK_GUARD: Final = Partner(
    base="https://bedrock-runtime.{awsRegion}.amazonaws.com",
    endpoint=Endpoint(
        "/guardrail/{guardrailId}/version/{guardrailVersion}/apply",
        {"content": [{"text": {"text": "{text}"}}], "source": "{source}"},
    ),
    credentials=(
        Credential("awsAccessKeyId", ("accessKeyId",), "aws_access_key_id"),
        Credential("awsSecretAccessKey", ("secretAccessKey",), "aws_secret_access_key"),
        Credential("awsRegion", ("region",), "aws_region"),
        Credential("awsSessionToken", ("sessionToken",), "aws_session_token", required=False),
    ),
    options=_bedrock_options,
    read=guardrail,
    sign=_bedrock_signature,
    each=True,
)

# -- Mistral and OpenAI ------------------------------------------------------------------------------


def _mistral_options(parameters: Parameters) -> Mapping[str, Any]:
    return {
        "model": parameters.text("model", "mistral-moderation-latest", limit=200),
        "categories": parameters.texts("categories", (), limit=50),
    }


#: `categories` (all), `model`. Before a chat call the service judges the last message as part of the whole
#: conversation.
MISTRAL_MODERATE_CONTENT: Final = Partner(
    base="https://api.mistral.ai/v1",
    override=Override(member="custom_host"),
    endpoint=Endpoint("/moderations", {"model": "{model}", "input": "{texts}"}),
    chat=Endpoint("/chat/moderations", {"model": "{model}", "input": ["{messages}"]}),
    headers=_BEARER,
    credentials=(API_KEY,),
    options=_mistral_options,
    read=categories,
)


def _openai_options(parameters: Parameters) -> Mapping[str, Any]:
    thresholds = parameters.mapping("thresholds", {})
    for name, value in thresholds.items():
        good = isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= 1
        if not good:
            parameters.problem(f"thresholds.{str(name)[:60]}", "expected a number from 0 to 1")
    return {
        "model": parameters.text("model", "omni-moderation-latest", limit=200),
        "categories": parameters.texts("categories", (), limit=50),
        "thresholds": thresholds,
    }


#: `categories` (all), `thresholds` (an object: for these categories the score decides, 0 to 1, not the
#: service), `model`.
OPENAI_MODERATION: Final = Partner(
    base="https://api.openai.com/v1",
    override=Override(member="custom_host"),
    endpoint=Endpoint("/moderations", {"model": "{model}", "input": "{texts}"}),
    headers=_BEARER,
    credentials=(API_KEY,),
    options=_openai_options,
    read=categories,
)

# -- Pangea ------------------------------------------------------------------------------------------


def _pangea_options(parameters: Parameters) -> Mapping[str, Any]:
    return {
        "recipe": parameters.text("recipe", "", limit=200) or None,
        "debug": True if parameters.flag("debug") else None,
        "overrides": dict(parameters.mapping("overrides", {})) or None,
    }


#: `recipe`, `overrides` (an object), `debug`.
PANGEA_TEXT_GUARD: Final = Partner(
    base="https://ai-guard.{domain}",
    endpoint=Endpoint(
        "/v1/text/guard",
        {"text": "{text}", "recipe": "{recipe}", "overrides": "{overrides}", "debug": "{debug}"},
    ),
    headers=_BEARER,
    credentials=(API_KEY, Credential("domain")),
    options=_pangea_options,
    read=detectors,
)
