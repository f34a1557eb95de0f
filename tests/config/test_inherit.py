"""What targets get from above, from named providers and from whoever calls; who may say what."""

from __future__ import annotations

import json
from typing import Any

import pytest
from config_kit import SECRET, compiled, compiler, leaf, refusals
from timing_kit import soon

from llmroute import ConfigError, Router
from llmroute.config.document import Config
from llmroute.config.inherit import Overlay
from llmroute.config.settings import parse_drop_path
from llmroute.config.spec import RetrySpec, Timeouts
from llmroute.secret import Secret
from llmroute.testing import ScriptedTransport, completion
from llmroute.wire.hosts import HostPolicy

OPENAI = {"provider": "openai"}
HELLO = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
HOST = "https://llm.example.com/v1"


def tree(*targets: Any, mode: str = "single", strategy: Any = (), **members: Any) -> dict[str, Any]:
    return {"strategy": {"mode": mode, **dict(strategy)}, "targets": list(targets), **members}


def inherited(root: dict[str, Any], middle: dict[str, Any], own: dict[str, Any]) -> Any:
    """The target at the end of root > middle > target, each with these members."""
    return leaf(tree(tree({**OPENAI, **own}, **middle), **root))


# -- rows of the table of inheritance (spec/ROUTING.md section 2) --------------------------------------

NEAREST: list[tuple[str, dict[str, Any], dict[str, Any], dict[str, Any], Any]] = [
    # of the spec, then what root, middle and target say, and what holds at the target
    (
        "override_params",
        {"override_params": {"a": 1, "b": {"x": 1}}},
        {"override_params": {"b": {"y": 2}, "c": 2}},
        {"override_params": {"c": 3}},
        {"a": 1, "b": {"y": 2}, "c": 3},
    ),
    (
        "default_params",
        {"default_params": {"a": 1, "b": 1}},
        {},
        {"default_params": {"b": 2}},
        {"a": 1, "b": 2},
    ),
    (
        "custom_host",
        {"custom_host": "https://a.example"},
        {"custom_host": "https://b.example"},
        {},
        "https://b.example",
    ),
    (
        "custom_host",
        {"custom_host": "https://a.example"},
        {},
        {"custom_host": "https://c.example"},
        "https://c.example",
    ),
    ("forward_headers", {"forward_headers": ["X-A"]}, {}, {}, ("x-a",)),
    ("forward_headers", {"forward_headers": ["x-a"]}, {"forward_headers": []}, {}, ()),
    ("drop_params", {"drop_params": ["a"]}, {}, {"drop_params": ["b.c", "d[0]"]}, (("b", "c"), ("d", 0))),
    ("drop_params", {"drop_params": ["a"]}, {}, {"drop_params": []}, ()),
    ("on_unsupported", {"on_unsupported": "error"}, {}, {}, "error"),
    ("on_unsupported", {"on_unsupported": "error"}, {"on_unsupported": "drop"}, {}, "drop"),
    ("passthrough", {"passthrough": True}, {}, {}, True),
    ("passthrough", {"passthrough": True}, {}, {"passthrough": False}, False),
    ("strict", {"strict_open_ai_compliance": False}, {}, {}, True),
    ("strict", {}, {}, {"strict_open_ai_compliance": False}, False),
    (
        "retry",
        {"retry": {"attempts": 2, "on_status_codes": [418]}},
        {},
        {"retry": {"attempts": 3}},
        RetrySpec(3),
    ),
    ("retry", {"retry": {"attempts": 2, "on_status_codes": [418]}}, {}, {}, RetrySpec(2, frozenset({418}))),
    ("retry", {"retry": {"attempts": 2}}, {"retry": {"attempts": 0}}, {}, None),
    ("timeouts", {"request_timeout": 5000}, {"request_timeout": 0}, {}, Timeouts(request=5.0)),
    ("timeouts", {"request_timeout": 5000}, {}, {"request_timeout": 250}, Timeouts(request=0.25)),
    (
        "timeouts",
        {"connect_timeout": 1000, "first_token_timeout": 2000},
        {"stream_idle_timeout": 3000},
        {"connect_timeout": 500},
        Timeouts(connect=0.5, first_token=2.0, stream_idle=3.0),
    ),
    ("api_key", {}, {}, {"api_key": "k"}, Secret("k")),
    ("name", {"name": "a"}, {"name": "b"}, {"name": "c"}, "c"),
]


@pytest.mark.parametrize(
    ("field", "root", "middle", "own", "expected"),
    NEAREST,
    ids=[f"{i} {row[0]}" for i, row in enumerate(NEAREST)],
)
def test_a_target_inherits_by_the_table(field, root, middle, own, expected):
    """Parameters merge per key, everything else is the nearest one; strictness is the target's own."""
    assert expected == getattr(inherited(root, middle, own), field)


def test_the_retry_settings_arrive_in_seconds():
    """Milliseconds in the config; either spelling of the switch for Retry-After counts."""
    retry = {
        "attempts": 1,
        "use_retry_after_headers": True,
        "initial_backoff": 500,
        "max_backoff": 400,
        "jitter": "none",
    }
    expected = RetrySpec(1, use_retry_after=True, jitter="none", initial_backoff=0.5, max_backoff=0.5)

    assert expected == leaf({**OPENAI, "retry": retry}).retry
    assert leaf({**OPENAI, "retry": {"attempts": 1, "use_retry_after_header": True}}).retry.use_retry_after


def test_codes_of_a_strategy_are_its_own():
    """An inner fallback without codes has the default ones, whatever the outer one says."""
    spec = compiled(tree(tree(OPENAI, mode="fallback"), mode="fallback", strategy={"on_status_codes": [429]}))

    assert (frozenset({429}), None) == (spec.on_status_codes, spec.children[0].on_status_codes)


def test_paths_follow_the_config():
    """As reported in routes and errors."""
    spec = compiled(tree(OPENAI, tree(OPENAI, OPENAI, mode="fallback"), mode="loadbalance"))

    assert "config.targets[1].targets[1]" == spec.children[1].children[1].path


def test_nothing_of_one_target_reaches_its_sibling():
    """Settings go down the tree, not across."""
    spec = compiled(tree({**OPENAI, "override_params": {"a": 1}, "custom_host": HOST}, OPENAI))

    assert ({}, None) == (dict(spec.children[1].override_params), spec.children[1].custom_host)


# -- what makes no sense -------------------------------------------------------------------------------

MEANINGLESS: list[tuple[dict[str, Any], list[str]]] = [
    (tree(), ["config.targets: empty; a strategy needs at least one target"]),
    ({"strategy": {"mode": "single"}}, ["config.targets: missing; a strategy needs at least one target"]),
    ({"targets": [OPENAI]}, ["config.strategy: missing; `targets` need a strategy with a mode"]),
    (
        {**tree(OPENAI), **OPENAI, "api_key": SECRET},
        [
            "config.provider: has no effect beside `targets`; put it into a target",
            "config.api_key: has no effect beside `targets`; put it into a target",
        ],
    ),
    (
        {"retry": {"attempts": 1}},
        ["config.provider: missing; a target needs a provider (or strategy and targets)"],
    ),
    (
        tree({**OPENAI, "deadline": 5}),
        ["config.targets[0].deadline: the budget of a whole call stands at the root of the config"],
    ),
    (
        tree({**OPENAI, "metadata": {}}),
        ["config.targets[0].metadata: routing metadata stands at the root of the config"],
    ),
    ({"provider": "opnai"}, ["config.provider: unknown provider 'opnai', did you mean 'openai'?"]),
    ({"provider": "Gemini"}, ["config.provider: unknown provider 'Gemini', did you mean 'google'?"]),
    ({"provider": "acme"}, ["config.provider: unknown provider 'acme'; see the README for the list"]),
    ({"provider": SECRET}, ["config.provider: unknown provider '***'; see the README for the list"]),
    ({**OPENAI, "custom_host": "llm.example.com"}, ["config.custom_host: not a URL like https://host/path"]),
    (
        tree({**OPENAI}, {**OPENAI}, custom_host="http://169.254.169.254"),
        ["config.custom_host: a cloud metadata endpoint, refused always"],
    ),
    (
        {**OPENAI, "drop_params": ["a", "b..c"]},
        ["config.drop_params[1]: expected a parameter's path such as tools[0].strict, got 'b..c'"],
    ),
    ({**OPENAI, "api_key": "env:MY KEY"}, ["config.api_key: expected env: and the name of a variable"]),
    (
        tree({**OPENAI, "weight": 0}, {**OPENAI, "weight": 0}, mode="loadbalance"),
        ["config.targets: every weight is 0, so no target would ever be picked"],
    ),
    (
        tree(
            OPENAI,
            strategy={"on_errors": ["timeout"], "failover_first": True, "default": "a", "conditions": []},
        ),
        [
            "config.strategy.on_errors: belongs to mode 'fallback', not to 'single'",
            "config.strategy.failover_first: belongs to mode 'fallback', not to 'single'",
            "config.strategy.conditions: belongs to mode 'conditional', not to 'single'",
            "config.strategy.default: belongs to mode 'conditional', not to 'single'",
        ],
    ),
    (
        tree(OPENAI, mode="conditional"),
        ["config.strategy.conditions: missing; mode 'conditional' needs conditions"],
    ),
    (
        tree(OPENAI, mode="conditional", strategy={"conditions": []}),
        ["config.strategy.conditions: empty, and there is no default"],
    ),
    (
        tree(
            {**OPENAI, "name": "cheap"},
            {**OPENAI, "name": "cheap"},
            mode="conditional",
            strategy={"conditions": [{"query": {"plan": "x"}, "then": "chaep"}], "default": "nobody"},
        ),
        [
            "config.targets[1].name: is also the name of targets[0]",
            "config.strategy.conditions[0].query.plan: unknown key 'plan'; keys are "
            "metadata.NAME, params.NAME and url.pathname",
            "config.strategy.conditions[0].then: no target has the name 'chaep', did you mean 'cheap'?",
            "config.strategy.default: no target has the name 'nobody'; names are 'cheap'",
        ],
    ),
]


@pytest.mark.parametrize(("source", "expected"), MEANINGLESS, ids=lambda value: str(value)[:60])
def test_what_makes_no_sense_is_refused_with_its_path(source, expected):
    """All at once, as for what is badly written."""
    assert expected == refusals(source)


@pytest.mark.parametrize(
    ("host", "odd"),
    [
        ("https://llm.example/v1/chat/completions", True),
        ("https://llm.example/v1/messages/", True),
        ("https://llm.example/v1", False),
    ],
)
def test_a_host_that_ends_with_an_endpoint_is_odd(host, odd):
    """The provider's own is added to it, which is hardly what is meant."""
    made = compiler()
    made.compile(Config({**OPENAI, "custom_host": host}).node)

    warning = "config.custom_host: ends with an endpoint; the provider's own is added to it"
    assert ([warning] if odd else []) == [str(found) for found in made.warnings]


def test_an_unknown_default_of_somebody_elses_config_is_noticed_when_it_is_needed():
    """As recorded. In the host's own config it is a problem, see above; a `then` is one everywhere."""
    source = tree(
        {**OPENAI, "name": "cheap"},
        mode="conditional",
        strategy={"conditions": [{"query": {"metadata.plan": "x"}, "then": "cheap"}], "default": "chaep"},
    )
    made = compiler(trusted=False)

    assert made.compile(Config(source).node).default is None
    assert ["config.strategy.default: no target has the name 'chaep', did you mean 'cheap'?"] == [
        str(warning) for warning in made.warnings
    ]


def test_strategies_are_nested_sixty_deep_at_most():
    """More is no configuration but an attack."""
    node: dict[str, Any] = OPENAI
    for _ in range(61):
        node = tree(node)

    assert "config" + ".targets[0]" * 61 + ": strategies nested more than 60 deep" == refusals(node)[0]
    assert compiled(node["targets"][0])


def test_what_is_odd_but_works_is_a_warning():
    """The reference takes it; whoever wrote it should know."""
    made = compiler()
    made.compile(
        Config(
            tree(
                {**OPENAI, "name": "a", "retry": {"attempts": 1, "on_status_codes": [200]}},
                mode="conditional",
                strategy={"conditions": [{"query": {}, "then": "a"}], "on_status_codes": [500]},
            )
        ).node
    )

    assert [
        "config.targets[0].retry.on_status_codes: a listed 200 repeats good answers, "
        "which may be paid for each time",
        "config.strategy.on_status_codes: has no effect in mode 'conditional'",
        "config.strategy.conditions[0].query: empty: it holds for every request",
        "config.strategy.default: absent: a call that matches no condition gets a 400",
    ] == [str(warning) for warning in made.warnings]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a", ("a",)),
        ("a.b-c d.e", ("a", "b-c d", "e")),
        ("tools[0].function.strict", ("tools", 0, "function", "strict")),
        ("messages[*].name", ("messages", -1, "name")),
        ("metadata[\"a.b\"]['c']", ("metadata", "a.b", "c")),
        *(
            (bad, None)
            for bad in (
                "",
                ".a",
                "a.",
                "a..b",
                "[0]",
                "a[",
                "a[-1]",
                "a[0]b",
                "a[12345]",
                "a]",
                ".".join("a" * 21),
            )
        ),
    ],
)
def test_drop_params_are_paths(text, expected):
    """Names, indices, every entry, and quoted names."""
    assert expected == parse_drop_path(text)


# -- named providers -----------------------------------------------------------------------------------

NAMED = {
    "prod": {
        "provider": "anthropic",
        "api_key": "env:PROD_KEY",
        "anthropic_beta": "x",
        "custom_host": "https://prod.example",
        "retry": {"attempts": 2},
        "override_params": {"model": "claude", "top_k": 1},
    }
}
USES = [
    {"provider": "@prod"},
    {"virtual_key": "prod"},
    {"virtual_key": "@prod", "provider": "anthropic"},
    {"override_params": {"model": "@prod/claude-2"}},
]


@pytest.mark.parametrize("use", USES, ids=str)
def test_a_named_provider_stands_below_the_target(use):
    """Whichever way it is named, it gives what the target does not say itself."""
    spec = leaf({**use, "request_timeout": 1000}, named=NAMED)

    assert ("anthropic", "PROD_KEY", "https://prod.example") == (spec.provider, spec.env, spec.custom_host)
    assert ({"anthropic_beta": "x"}, RetrySpec(2), 1.0) == (spec.options, spec.retry, spec.timeouts.request)
    model = "claude-2" if "override_params" in use else "claude"
    assert {"model": model, "top_k": 1} == spec.override_params


def test_the_target_wins_over_the_named_provider():
    """Per member; provider options and parameters per key."""
    own = {
        "provider": "@prod",
        "anthropic_version": "v",
        "override_params": {"top_k": 2},
        "retry": {"attempts": 0},
    }
    spec = leaf(own, named=NAMED)

    assert {"anthropic_beta": "x", "anthropic_version": "v"} == spec.options
    assert ({"model": "claude", "top_k": 2}, None) == (spec.override_params, spec.retry)


def test_the_named_provider_wins_over_what_is_inherited():
    """It is part of the target."""
    assert RetrySpec(2) == leaf(tree({"provider": "@prod"}, retry={"attempts": 5}), named=NAMED).retry


@pytest.mark.parametrize(
    ("use", "expected"),
    [
        (
            {"provider": "@prdo"},
            "config.provider: no named provider 'prdo' is declared for this router, did you mean 'prod'?",
        ),
        ({"virtual_key": "x"}, "config.virtual_key: no named provider 'x' is declared for this router"),
        (
            {"override_params": {"model": "@x/y"}},
            "config.override_params.model: no named provider 'x' is declared for this router",
        ),
        (
            {"virtual_key": "prod", "provider": "openai"},
            "config.provider: expected anthropic, the provider behind the virtual_key, or "
            "nothing, got 'openai'",
        ),
    ],
)
def test_a_name_that_does_not_fit_is_refused(use, expected):
    """With the place where it is written."""
    assert [expected] == refusals(use, named=NAMED)


DECLARED: list[tuple[Any, list[str]]] = [
    ({"x": {}}, ["providers.x.provider: missing; a named provider needs the provider's own name"]),
    (
        {"x": {"provider": "@y"}},
        ["providers.x.provider: missing; a named provider needs the provider's own name"],
    ),
    (
        {"x": {"provider": "opnai"}},
        ["providers.x.provider: unknown provider 'opnai', did you mean 'openai'?"],
    ),
    ({"x": {**OPENAI, "api_kye": SECRET}}, ["providers.x.api_kye: unknown member, did you mean 'api_key'?"]),
    ({"x": {**OPENAI, "custom_host": "x"}}, ["providers.x.custom_host: not a URL like https://host/path"]),
    (
        {"x": {**OPENAI, "weight": 1}},
        ["providers.x.weight: has no effect here: a named provider is credentials, not a target"],
    ),
    (
        {"x": json.dumps(OPENAI)},
        ['providers.x: expected an object or a function, got text \'{"provider": "openai"}\''],
    ),
]


@pytest.mark.parametrize(("providers", "expected"), DECLARED, ids=str)
def test_a_named_provider_is_checked_when_it_is_declared(providers, expected):
    """Used or not; its path begins with the argument's name."""
    with pytest.raises(ConfigError) as caught:
        Router(OPENAI, providers=providers)

    assert expected == [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize("asynchronous", [False, True])
async def test_a_named_providers_key_may_be_a_function(asynchronous):
    """Asked at the call, as in a target."""

    def key() -> str:
        return "fresh"

    async def later() -> str:
        return "fresh"

    transport = ScriptedTransport(completion("ok"))
    router = Router(
        {"provider": "@prod"},
        providers={"prod": {**OPENAI, "api_key": later if asynchronous else key}},
        transport=transport,
    )
    await router.chat.completions.create(**HELLO)

    assert "Bearer fresh" == transport.requests[0].headers["authorization"]


# -- overlays ------------------------------------------------------------------------------------------


def test_an_overlay_stands_above_the_config():
    """At every target, but for the key, which belongs to a config that is one target."""
    overlay = Overlay(custom_host=HOST, request_timeout=500, forward_headers=("x-b",), strict=False)
    spec = leaf(tree({**OPENAI, "request_timeout": 9000, "forward_headers": ["x-a"]}), overlay=overlay)

    assert (HOST, 0.5, ("x-b",), False) == (
        spec.custom_host,
        spec.timeouts.request,
        spec.forward_headers,
        spec.strict,
    )


def test_the_key_of_a_view_replaces_the_configs_own():
    """Call above view above config."""
    assert Secret("b") == leaf({**OPENAI, "api_key": "a"}, overlay=Overlay(api_key=Secret("b"))).api_key
    assert (
        Secret("b") == leaf({"provider": "@prod"}, overlay=Overlay(api_key=Secret("b")), named=NAMED).api_key
    )
    assert ["api_key: has no effect on a config with targets; put it into a target"] == refusals(
        tree(OPENAI), overlay=Overlay(api_key=Secret("b"))
    )


def test_the_key_of_headers_fills_a_gap():
    """Authorization is the provider's key where the config has none."""
    overlay = Overlay(api_key=Secret("b"), from_headers=True)

    assert Secret("b") == leaf(OPENAI, overlay=overlay).api_key
    assert Secret("a") == leaf({**OPENAI, "api_key": "a"}, overlay=overlay).api_key
    assert leaf({"provider": "@prod"}, overlay=overlay, named=NAMED).api_key is None
    assert leaf(tree(OPENAI), overlay=overlay).api_key is None


# -- trust ---------------------------------------------------------------------------------------------

MAY_NOT: list[tuple[dict[str, Any], str]] = [
    ({**OPENAI, "api_key": "env:HOME"}, "config.api_key: variables of the environment may not be named here"),
    (
        {"provider": "bedrock", "aws_access_key_id": "AK", "aws_secret_access_key": "env:HOME"},
        "config.aws_secret_access_key: variables of the environment may not be named here",
    ),
    ({**OPENAI, "custom_host": "http://10.0.0.1"}, "config.custom_host: not an address of the open Internet"),
    (
        {"provider": "azure-ai", "azure_foundry_url": "http://10.0.0.1"},
        "config.azure_foundry_url: not an address of the open Internet",
    ),
    ({"provider": "@hidden"}, "config.provider: no named provider 'hidden' is declared for this router"),
    ({"virtual_key": "hidden"}, "config.virtual_key: no named provider 'hidden' is declared for this router"),
    (
        {"provider": "@open", "custom_host": HOST},
        "config.custom_host: may not be combined with a named provider here",
    ),
    (
        tree({"provider": "@open"}, custom_host=HOST),
        "config.custom_host: may not be combined with a named provider here",
    ),
    ({"provider": "@open", "api_key": "x"}, "config.api_key: may not be combined with a named provider here"),
    (
        {"provider": "@open", "openai_organization": "x"},
        "config.openai_organization: may not be combined with a named provider here",
    ),
    ({"provider": "mine"}, "config.provider: the provider 'mine' may not be used by requests"),
]


@pytest.mark.parametrize(("source", "expected"), MAY_NOT, ids=lambda value: str(value)[:50])
def test_untrusted_data_may_not_reach_what_is_the_hosts(source, expected):
    """Neither its variables nor its network nor its credentials, unless they were exposed as they are."""
    named = {"open": OPENAI, "hidden": OPENAI}
    untrusted = {
        "trusted": False,
        "named": named,
        "exposed": frozenset({"open"}),
        "own_providers": frozenset({"mine"}),
    }

    assert [expected] == refusals(source, **untrusted)


def test_the_same_is_fine_as_the_hosts_own_word():
    """A config given in code may do all of it."""
    trusted = {"named": {"open": OPENAI, "hidden": OPENAI}, "own_providers": frozenset({"mine"})}
    for source, _ in MAY_NOT[:-1]:
        assert compiled(source, **trusted)


def test_an_untrusted_target_knows_no_variables_and_is_watched():
    """Its key is its own; its host is looked at once more when it is connected to."""
    spec = leaf({**OPENAI, "custom_host": HOST}, trusted=False)
    watched = leaf({"provider": "azure-ai", "azure_foundry_url": HOST}, trusted=False)

    assert (False, True) == (spec.ambient, spec.guarded)
    assert watched.guarded
    assert not leaf(OPENAI, trusted=False).guarded
    assert (True, False) == (leaf(OPENAI).ambient, leaf({**OPENAI, "custom_host": HOST}).guarded)


def test_an_exposed_provider_keeps_its_host_and_its_variables():
    """Untrusted data only names it; its private host is the host program's own word."""
    named = {"open": {**OPENAI, "custom_host": "http://10.0.0.1/v1"}}
    spec = leaf({"provider": "@open"}, trusted=False, named=named, exposed=frozenset({"open"}))

    assert (True, False, "http://10.0.0.1/v1") == (spec.ambient, spec.guarded, spec.custom_host)


def test_hosts_can_be_trusted_by_the_router():
    """`Router(hosts=...)` widens what untrusted configs may name."""
    source = {**OPENAI, "custom_host": "http://llm.corp:8000/v1"}

    assert refusals(source, trusted=False)
    assert leaf(source, trusted=False, untrusted_hosts=HostPolicy.strict(["llm.corp"])).guarded


@pytest.mark.parametrize(
    ("config", "headers"),
    [
        ({**OPENAI, "api_key": SECRET}, {"custom-host": "https://evil.example/v1"}),
        ({**OPENAI, "api_key": SECRET}, {"azure-foundry-url": "https://evil.example/v1"}),
        ({"provider": "@open"}, {"custom-host": "https://evil.example/v1"}),
        (None, {"custom-host": "https://evil.example/v1", "provider": "@open"}),
        (None, {"custom-host": "https://evil.example/v1", "config": '{"provider": "@open"}'}),
        (None, {"config": '{"provider": "@open", "custom_host": "https://evil.example/v1"}'}),
        (None, {"config": '{"provider": "@hidden"}'}),
        (None, {"config": "named", "custom-host": "https://evil.example/v1"}),
    ],
    ids=str,
)
async def test_no_header_sends_the_hosts_key_elsewhere(config, headers):
    """Requests that may route still cannot take the router's own credentials with them."""
    transport = ScriptedTransport(completion("ok"))
    router = Router(
        config,
        providers={
            "open": {**OPENAI, "api_key": SECRET, "expose": True},
            "hidden": {**OPENAI, "api_key": SECRET},
        },
        configs={"named": {**OPENAI, "api_key": SECRET}},
        request_config="untrusted",
        transport=transport,
    )
    response = await router.handle(HELLO, {f"x-portkey-{name}": text for name, text in headers.items()})

    assert (400, []) == (response.status, transport.requests)
    assert SECRET not in repr(response.body)


async def test_an_exposed_provider_may_be_named_by_requests():
    """In a config, in the provider header, and in the body's model."""
    transport = ScriptedTransport(completion("ok"))
    router = Router(providers={"open": {**OPENAI, "api_key": SECRET, "expose": True}}, transport=transport)
    for body, headers in (
        (HELLO, {"x-portkey-config": '{"provider": "@open"}'}),
        (HELLO, {"x-portkey-provider": "@open"}),
        ({**HELLO, "model": "@open/m"}, {}),
    ):
        assert 200 == (await router.handle(body, headers)).status

    assert {"https://api.openai.com/v1/chat/completions"} == {sent.url for sent in transport.requests}
    assert {f"Bearer {SECRET}"} == {sent.headers["authorization"] for sent in transport.requests}


# -- bounds of what a request may ask for --------------------------------------------------------------


def conditional(count: int, query: Any) -> dict[str, Any]:
    conditions = [{"query": query, "then": "a"}] * count
    return tree(
        {**OPENAI, "name": "a"}, mode="conditional", strategy={"conditions": conditions, "default": "a"}
    )


COSTLY: dict[str, tuple[dict[str, Any], str]] = {
    "targets": (tree(*[OPENAI] * 1_001), "config.targets: expected at most 1,000 targets in all"),
    "targets below": (
        tree(tree(*[OPENAI] * 600), tree(*[OPENAI] * 600)),
        "config.targets[1].targets: expected at most 1,000 targets in all",
    ),
    "patterns": (
        conditional(9, {"metadata.a": {"$regex": r"\w" * 400}}),
        "config.strategy.conditions[1].query: expected at most 1,000 characters in the "
        "patterns of all conditions",
    ),
    "values": (
        conditional(9_000, {"metadata.a": 1}),
        "config.strategy.conditions[833].query: expected at most 5,000 values in all conditions",
    ),
    "names": (
        tree(*[{"provider": f"opena{i}"} for i in range(900)]),
        "config.targets[0].provider: unknown provider 'opena0', did you mean 'openai'?",
    ),
}


@pytest.mark.parametrize(("source", "expected"), COSTLY.values(), ids=COSTLY)
def test_what_a_request_asks_for_is_bounded(source, expected):
    """In 100 ms of CPU time, whatever the config."""
    node = Config(source).node

    assert expected == soon(lambda: refusals_of(node))[0]


def refusals_of(node: Any) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        compiler(trusted=False).compile(node)
    return [str(problem) for problem in caught.value.problems]


def test_half_of_a_pair_of_credentials_is_refused():
    """An access key id without its secret would sign nothing."""
    source = {"provider": "bedrock", "aws_region": "us-east-1", "aws_access_key_id": "AK"}
    text = "missing; aws_access_key_id and aws_secret_access_key belong together"
    assert [f"config.aws_secret_access_key: {text}"] == refusals(source)
