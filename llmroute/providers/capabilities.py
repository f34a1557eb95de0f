"""What requests to each provider can carry, for people: nothing that runs depends on it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

import attrs

Support = Literal["yes", "no", "as is", "by model"]


@attrs.frozen
class Capabilities:
    """One provider's. "as is" is sent as it came, and up to the service; "by model" up to the model.

    `auth` says what else than a key is taken, `variables` which others than the key's are read. `images`
    says in which form they are taken: "url, data", "data" (https URLs are fetched where the router may),
    "no". `json_schema` is "asked for" where the schema is not enforced.
    """

    tools: Support = "as is"
    images: Literal["url, data", "data", "no", "as is"] = "as is"
    json_schema: Literal["yes", "no", "as is", "asked for"] = "as is"
    reasoning: Support = "as is"
    stream: Support = "yes"
    auth: str = "key"
    variables: tuple[str, ...] = ()


#: Services with a row: everything is sent, nothing is looked at.
AS_IS: Final = Capabilities()

_ENTRA: Final = "key; Entra ID (secret, managed and workload identity)"
_ENTRA_VARIABLES: Final = ("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_FEDERATED_TOKEN_FILE")

#: Those of providers with code of their own.
CAPABILITIES: Final[Mapping[str, Capabilities]] = {
    "ai21": Capabilities("yes", "no", "asked for", "as is"),
    "anthropic": Capabilities("yes", "url, data", "yes", "yes"),
    "azure-ai": Capabilities(auth=_ENTRA, variables=_ENTRA_VARIABLES),
    "azure-openai": Capabilities("yes", "url, data", "yes", "yes", auth=_ENTRA, variables=_ENTRA_VARIABLES),
    "bedrock": Capabilities(
        "by model",
        "data",
        "yes",
        "by model",
        "by model",
        auth="SigV4 (keys, session, assumed role, default chain); Bedrock API key",
        variables=("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_REGION"),
    ),
    "bytez": Capabilities("no", "as is", "no", "no"),
    "cohere": Capabilities("yes", "url, data", "yes", "yes"),
    "google": Capabilities("yes", "url, data", "yes", "yes"),
    "huggingface": Capabilities(),
    "mistral-ai": Capabilities("yes", "url, data", "yes", "yes"),
    "ollama": Capabilities("yes", "data", "yes", "yes", auth="none, or a key"),
    "oracle": Capabilities("yes", "data", "yes", "by model", auth="request signing with an API signing key"),
    "predibase": Capabilities(),
    "reka-ai": Capabilities(),
    "vertex-ai": Capabilities(
        "yes",
        "url, data",
        "yes",
        "yes",
        auth="service account, ADC, or an access token as key",
        variables=("GOOGLE_APPLICATION_CREDENTIALS",),
    ),
    "workers-ai": Capabilities("yes", "data", "yes", "as is"),
}


def capabilities_of(provider: str) -> Capabilities:
    """What `provider` takes; AS_IS for services with a row."""
    return CAPABILITIES.get(provider, AS_IS)
