"""The OpenAI-compatible services, one row each.

Adding a service is adding a row. The slugs, and the split of the URL between host and path, are
those of the Portkey gateway, so that a `custom_host` written for it keeps its meaning; so are the
recorded particulars of answers and errors. Hosts are the documented ones of 2026.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from .catalogue_clouds import CLOUDS
from .failures import ErrorStyle
from .row import Row

_V1: Final = "/v1/chat/completions"
_SYSTEM: Final = {"developer": "system"}
_MAX_TOKENS: Final = {"max_completion_tokens": "max_tokens"}

#: Services of the gateway that have ended, are ending or were never more than a placeholder.
_DOUBTFUL: Final = (
    Row(
        slug="anyscale",
        base_url="https://api.endpoints.anyscale.com/v1",
        env=("ANYSCALE_API_KEY",),
        rename=_MAX_TOKENS,
        roles=_SYSTEM,
        errors=ErrorStyle(omits=("param", "code")),
        docs="https://docs.anyscale.com",
        status="the shared endpoints ended on 2024-08-01; set custom_host for a deployment of your own",
    ),
    Row(
        slug="lambda",
        base_url="https://api.lambda.ai/v1",
        env=("LAMBDA_API_KEY",),
        roles=_SYSTEM,
        docs="https://docs.lambda.ai/public-cloud/lambda-inference-api",
        status="winding down",
    ),
    Row(
        slug="lepton",
        base_url="https://api.lepton.ai",
        path="/api" + _V1,
        env=("LEPTON_API_TOKEN", "LEPTON_API_KEY"),
        rename=_MAX_TOKENS,
        rename_wins=False,
        docs="https://docs.nvidia.com/dgx-cloud/lepton",
        status="the vendor was bought in 2025; the host is unverified",
    ),
    Row(
        slug="kluster-ai",
        base_url="https://api.kluster.ai/v1",
        env=("KLUSTER_API_KEY",),
        roles=_SYSTEM,
        docs="https://docs.kluster.ai",
        status="unverified",
    ),
    Row(
        slug="deepbricks",
        base_url="https://api.deepbricks.ai/v1",
        env=("DEEPBRICKS_API_KEY",),
        headers={
            "Deepbricks-Organization": "openai_organization",
            "Deepbricks-Project": "openai_project",
        },
        rename=_MAX_TOKENS,
        roles=_SYSTEM,
        adds_provider=False,
        docs="https://deepbricks.ai",
        status="unverified",
    ),
    Row(
        slug="modal",
        base_url=None,
        env=("MODAL_API_KEY",),
        key_optional=True,
        headers={"Modal-Key": "modal_key", "Modal-Secret": "modal_secret"},
        roles=_SYSTEM,
        docs="https://modal.com/docs/guide/webhook-proxy-auth",
        status="every deployment has a host of its own: set custom_host",
    ),
)

#: Servers of one's own, and services beyond the gateway's list.
_MORE: Final = (
    Row(
        slug="ollama",
        base_url="http://localhost:11434",
        path=_V1,
        env=("OLLAMA_API_KEY",),
        key_optional=True,
        rename=_MAX_TOKENS,
        roles=_SYSTEM,
        history={"reasoning_content": "reasoning", "reasoning_details": ""},
        docs="https://docs.ollama.com/api/openai-compatibility",
    ),
    Row(
        slug="vllm",
        base_url="http://localhost:8000/v1",
        env=("VLLM_API_KEY",),
        key_optional=True,
        docs="https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html",
    ),
    Row(
        slug="lm-studio",
        base_url="http://localhost:1234/v1",
        env=("LM_STUDIO_API_KEY",),
        key_optional=True,
        docs="https://lmstudio.ai/docs/developer/openai-compat",
    ),
    Row(
        slug="llama-cpp",
        base_url="http://localhost:8080/v1",
        env=("LLAMA_API_KEY",),
        key_optional=True,
        docs="https://github.com/ggml-org/llama.cpp/tree/master/tools/server",
    ),
    Row(
        slug="litellm",
        base_url="http://localhost:4000/v1",
        env=("LITELLM_API_KEY", "LITELLM_PROXY_API_KEY"),
        key_optional=True,
        docs="https://docs.litellm.ai/docs/proxy/user_keys",
    ),
    Row(
        slug="nvidia-nim",
        base_url="https://integrate.api.nvidia.com/v1",
        env=("NVIDIA_API_KEY", "NVIDIA_NIM_API_KEY"),
        docs="https://docs.api.nvidia.com/nim/reference/llm-apis",
    ),
    Row(
        slug="baseten",
        base_url="https://inference.baseten.co/v1",
        env=("BASETEN_API_KEY",),
        docs="https://docs.baseten.co/quickstart",
    ),
    Row(
        slug="vercel",
        base_url="https://ai-gateway.vercel.sh/v1",
        env=("AI_GATEWAY_API_KEY", "VERCEL_OIDC_TOKEN"),
        docs="https://vercel.com/docs/ai-gateway/openai-compat",
    ),
    Row(
        slug="cloudflare",
        base_url=None,
        env=("CLOUDFLARE_API_TOKEN", "CLOUDFLARE_AI_GATEWAY_API_KEY"),
        docs="https://developers.cloudflare.com/ai-gateway/usage/chat-completion/",
        status=(
            "the host names account and gateway: set custom_host to "
            "https://gateway.ai.cloudflare.com/v1/ACCOUNT/GATEWAY/compat"
        ),
    ),
)

#: Every row under its slug.
ROWS: Final[Mapping[str, Row]] = {row.slug: row for row in (*CLOUDS, *_DOUBTFUL, *_MORE)}
