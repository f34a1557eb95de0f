"""What the tests of the config share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from llmroute import ConfigError
from llmroute.config.document import Config
from llmroute.config.inherit import Compiler, Overlay, Surroundings
from llmroute.config.parse import parse
from llmroute.config.spec import Spec, TargetSpec
from llmroute.providers.registry import known_providers, refusal, required

SECRET = "sk-SECRET-4f8Kd02mQz7"

#: A config with a value in nearly every place, all of them good.
FULL: dict[str, Any] = {
    "name": "root",
    "strategy": {
        "mode": "fallback",
        "on_status_codes": [429, 500],
        "on_errors": ["timeout"],
        "failover_first": True,
    },
    "retry": {
        "attempts": 2,
        "on_status_codes": [429],
        "use_retry_after_header": True,
        "use_retry_after_headers": True,
        "jitter": "full",
        "initial_backoff": 500,
        "max_backoff": 8000,
    },
    "deadline": 60_000,
    "request_timeout": 20_000,
    "connect_timeout": 3000,
    "first_token_timeout": 5000,
    "stream_idle_timeout": 30_000,
    "custom_host": "https://llm.example.com/v1",
    "override_params": {"temperature": 0, "metadata": {"team": "a"}},
    "default_params": {"max_tokens": 100},
    "drop_params": ["tools[0].function.strict"],
    "on_unsupported": "error",
    "passthrough": True,
    "forward_headers": ["x-tenant"],
    "metadata": {"plan": "gold"},
    "targets": [
        {
            "provider": "openai",
            "api_key": "key-one",
            "weight": 2,
            "openai_organization": "org",
            "strict_open_ai_compliance": False,
        },
        {
            "strategy": {
                "mode": "conditional",
                "conditions": [{"query": {"metadata.plan": {"$eq": "gold"}}, "then": "a"}],
                "default": "b",
            },
            "targets": [
                {"name": "a", "provider": "anthropic", "api_key": "key-two", "anthropic_beta": "x"},
                {
                    "name": "b",
                    "provider": "bedrock",
                    "aws_region": "us-east-1",
                    "aws_access_key_id": "AK",
                    "aws_secret_access_key": "SK",
                },
            ],
        },
    ],
}


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths of everything inside a value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in items:
        yield (*path, key)
        yield from places(child, (*path, key))


def replaced(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """A copy with `new` at `path`."""
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = replaced(value[path[0]], path[1:], new)
    return copy


def problems_of(source: Any, **options: Any) -> list[str]:
    """What is wrong with a config that is parsed."""
    with pytest.raises(ConfigError) as caught:
        parse(source, **options)
    return [str(problem) for problem in caught.value.problems]


def around(**members: Any) -> Surroundings:
    """The surroundings of a router, with `members` of them replaced."""
    return Surroundings(
        **{"known_providers": known_providers(), "refusal": refusal, "required": required, **members}
    )


def compiler(
    *,
    trusted: bool = True,
    overlay: Overlay | None = None,
    named: Mapping[str, Any] | None = None,
    **rest: Any,
) -> Compiler:
    nodes = {name: parse(source).node for name, source in (named or {}).items()}
    return Compiler(around(named=nodes, **rest), trusted=trusted, overlay=overlay)


def compiled(source: Any, **options: Any) -> Spec:
    """The spec of a config."""
    return compiler(**options).compile(Config(source).node)


def leaf(source: Any, **options: Any) -> TargetSpec:
    """The first target of a config, compiled."""
    spec = compiled(source, **options)
    while not isinstance(spec, TargetSpec):
        spec = spec.children[0]
    return spec


def refusals(source: Any, **options: Any) -> list[str]:
    """What is wrong with a config that is well written."""
    with pytest.raises(ConfigError) as caught:
        compiled(source, **options)
    return [str(problem) for problem in caught.value.problems]
