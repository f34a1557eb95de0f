"""Hooks as a config writes them: both forms, names, inheritance, trust, and what is refused."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import partial

import jsonschema
import pytest
from engine_kit import KEY, Rig, fallback, target
from guard_kit import CHECKS, after, before, guard, guarded

from llmroute import Config, ConfigError, Router
from llmroute.hooks import Verdict, blocking, transforming
from llmroute.hooks import compile as module
from llmroute.testing import ScriptedTransport, completion, error

OK = completion("Good day")


def problems_of(config, **options):
    """Every problem of a router with this config."""
    with pytest.raises(ConfigError) as caught:
        Router(config, checks=CHECKS, **options)
    return [str(problem) for problem in caught.value.problems]


async def ids_of(rig, side=before, headers=None):
    """The ids in the results of a call."""
    return [hook["id"] for hook in side((await rig.handle(headers)).body.get("hook_results") or EMPTY)]


EMPTY = {"before_request_hooks": [], "after_request_hooks": []}


# -- forms ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "members",
    [
        {"input_guardrails": [{"t.fails": {}, "deny": True}]},
        {"inputGuardrails": [{"t.fails": {}, "deny": True}]},
        {"input_mutators": [{"t.fails": {}, "deny": True}]},
        {"input_guardrails": [{"any name": {"id": "t.fails"}, "deny": True}]},
        {"before_request_hooks": [{"type": "guardrail", "checks": [{"id": "t.fails"}], "deny": True}]},
        {
            "beforeRequestHooks": [
                {"type": "mutator", "checks": [{"id": "t.fails", "parameters": {}}], "deny": True}
            ]
        },
        {"output_guardrails": [{"t.fails": {}, "deny": True}]},
        {"output_mutators": [{"t.fails": {}, "deny": True}]},
        {"after_request_hooks": [{"type": "guardrail", "checks": [{"id": "t.fails"}], "deny": True}]},
    ],
)
async def test_every_member_and_form_holds(members):
    """Short and long, snake_case and camelCase, both sides."""
    assert 446 == (await guarded(OK, **members).handle()).status


async def test_a_check_without_a_plugin_is_one_of_the_librarys():
    """`contains` is `default.contains`, in both forms."""
    rule = {"operator": "none", "words": ["Hello"]}
    for members in (
        {"input_guardrails": [{"contains": rule, "deny": True}]},
        {
            "before_request_hooks": [
                {"type": "guardrail", "deny": True, "checks": [{"id": "contains", "parameters": rule}]}
            ]
        },
    ):
        response = await guarded(OK, **members).handle()
        assert ["default.contains"] == [
            check["id"] for hook in before(response.body["hook_results"]) for check in hook["checks"]
        ]
        assert 446 == response.status


@pytest.mark.parametrize(
    "hook",
    [
        {"t.fails": {"is_enabled": False}, "deny": True},
        {"t.fails": {"isEnabled": False}, "deny": True},
        {"t.fails": {}, "deny": True, "is_enabled": False},
    ],
)
async def test_a_disabled_check_or_hook_does_not_run(hook):
    """In mutators as well."""
    for member in ("input_guardrails", "input_mutators"):
        assert 200 == (await guarded(OK, **{member: [hook]}).handle()).status


async def test_a_disabled_check_is_checked_all_the_same():
    """It may be enabled tomorrow."""
    [problem] = problems_of(target(input_guardrails=[{"t.nope": {"is_enabled": False}}]))

    assert "unknown check 't.nope'" in problem


async def test_ids_are_stable_where_none_is_given():
    """The same place has the same id in every call and every process, so that results can be counted."""
    made = [await ids_of(guarded(OK, input_guardrails=[guard("t.passes")])) for _ in range(2)]

    assert made[0] == made[1] == ["input_guardrail_c034f9ad"]
    other = await ids_of(guarded(OK, output_guardrails=[guard("t.passes")]), after)
    assert other[0].startswith("output_guardrail_")


# -- what is refused -----------------------------------------------------------------------------------

FEEDBACK = {"feedback": {"value": 1}}

REFUSED = {
    "an unknown check": (
        {"input_guardrails": [{"t.fials": {}}]},
        "config.input_guardrails[0].t.fials: unknown check 't.fials', did you mean 't.fails'?",
    ),
    "an unknown check of the library's": (
        {"input_guardrails": [{"regexMach": {"rule": "a"}}]},
        "config.input_guardrails[0].regexMach: unknown check 'default.regexMach', "
        "did you mean 'default.regexMatch'?",
    ),
    "an unknown plugin": (
        {"input_guardrails": [{"acme.check": {}}]},
        "config.input_guardrails[0].acme.check: unknown check 'acme.check'",
    ),
    "an unknown parameter": (
        {"input_guardrails": [{"contains": {"operator": "any", "words": ["a"], "wrods": 1}}]},
        "config.input_guardrails[0].contains.wrods: unknown parameter, did you mean 'words'?",
    ),
    "a wrong parameter": (
        {"input_guardrails": [{"regexMatch": {"rule": 5, "not": "x"}}]},
        "config.input_guardrails[0].regexMatch.not: expected true or false, got text 'x'",
    ),
    "a policy that is no flag": (
        {"input_guardrails": [{"t.fails": {"failOnError": "true"}}]},
        "config.input_guardrails[0].t.fails.failOnError: expected true or false, got text 'true'",
    ),
    "an unknown scope": (
        {"input_guardrails": [{"t.fails": {"scope": "some"}}]},
        "config.input_guardrails[0].t.fails.scope: expected one of last, all, got text 'some'",
    ),
    "a name that nobody declared": (
        {"input_guardrails": ["pii-v2"]},
        "config.input_guardrails[0]: no guardrail 'pii-v2' is declared for this router",
    ),
    "a long hook without a type": (
        {"before_request_hooks": [{"checks": [{"id": "t.fails"}], "deny": True}]},
        "config.before_request_hooks[0].type: missing; say guardrail or mutator, or name a guardrail",
    ),
    "a long hook that names nothing": (
        {"before_request_hooks": [{"id": "x"}]},
        "config.before_request_hooks[0]: no guardrail 'x' is declared for this router",
    ),
    "deny as text": (
        {"input_guardrails": [{"t.fails": {}, "deny": "false"}]},
        "config.input_guardrails[0].deny: expected true or false, got text 'false'",
    ),
    "parameters that are no object": (
        {"input_guardrails": [{"notNull": True}]},
        "config.input_guardrails[0].notNull: expected an object, got true",
    ),
    "null": ({"input_guardrails": [None]}, "config.input_guardrails[0]: expected an object, got null"),
    "an object for a list": (
        {"input_guardrails": {}},
        "config.input_guardrails: expected a list, got an object",
    ),
    "both spellings": (
        {"input_guardrails": [{"t.fails": {}, "on_fail": FEEDBACK, "onFail": FEEDBACK}]},
        "config.input_guardrails[0].onFail: stands twice, in two spellings",
    ),
    "an unknown member of a long hook": (
        {"before_request_hooks": [{"type": "guardrail", "chekcs": [], "id": "a"}]},
        "config.before_request_hooks[0].chekcs: unknown member, did you mean 'checks'?",
    ),
    "feedback that is none": (
        {"input_guardrails": [{"t.fails": {}, "on_fail": {"value": 1}}]},
        "config.input_guardrails[0].on_fail.value: unknown member",
    ),
    "an unknown mode": (
        {"output_guardrails": [{"t.fails": {}, "stream": "buffered"}]},
        "config.output_guardrails[0].stream: expected one of buffer, window, after, got text 'buffered', "
        "did you mean 'buffer'?",
    ),
    "a hundred and one hooks": (
        {"input_guardrails": [guard("t.passes")] * 101},
        "config.input_guardrails: expected at most 100 hooks, got 101",
    ),
    "a header's name as member": (
        {"default_input_guardrails": []},
        "config.default_input_guardrails: it is a header's name; use input_guardrails, to which targets only add",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_could_not_hold_is_refused(name):
    """Before any call, with its place and a hint."""
    members, expected = REFUSED[name]

    assert expected in problems_of(target(**members))


def test_every_problem_comes_at_once():
    """In all hooks of all targets."""
    config = fallback(
        target("a", input_guardrails=[guard("t.x"), guard("t.y")]),
        target("b", output_mutators=[guard("t.z")]),
    )

    assert ["t.x", "t.y", "t.z"] == [problem.split("'")[1] for problem in problems_of(config)]


def test_a_check_that_cannot_be_built_is_a_problem(monkeypatch):
    """Whatever the parameters do to it."""
    monkeypatch.setattr(module, "resolve", lambda name: lambda parameters, services: 1 / 0)

    [problem] = problems_of(target(input_guardrails=[{"notNull": {}}]))

    assert "config.input_guardrails[0].notNull: could not be built: ZeroDivisionError" == problem


async def test_an_empty_guardrail_passes_and_says_so():
    """Recorded; the warning is ours."""
    rig = guarded(OK, input_guardrails=[{"id": "g", "deny": True}])

    assert ["g"] == await ids_of(rig)
    assert ["config.input_guardrails[0]: has no checks: it passes everything"] == [
        str(warning) for warning in rig.router.warnings
    ]


# -- named guardrails ----------------------------------------------------------------------------------

NAMED = {
    "pii-v2": {"t.clean": {}, "deny": True},
    "long": {"type": "mutator", "checks": [{"id": "t.shout"}]},
}


@pytest.mark.parametrize(
    "members",
    [
        {"input_guardrails": ["pii-v2"]},
        {"input_guardrails": [{"id": "pii-v2"}]},
        {"before_request_hooks": [{"id": "pii-v2"}]},
        {"before_request_hooks": [{"id": "pii-v2", "type": "guardrail"}]},
        {"output_guardrails": ["pii-v2"]},
        {"after_request_hooks": [{"id": "pii-v2"}]},
        {"after_request_hooks": [{"id": "pii-v2", "checks": []}]},
    ],
)
async def test_named_guardrails(members):
    """`Router(guardrails=...)`: by text, or by an id without checks."""
    rig = guarded(completion("secret"), router={"guardrails": NAMED}, **members)

    response = await rig.handle(messages=[{"role": "user", "content": "secret"}])

    assert 446 == response.status
    side = before if "input_guardrails" in members or "before_request_hooks" in members else after
    assert ["pii-v2"] == [hook["id"] for hook in side(response.body["hook_results"])]


async def test_a_named_guardrail_may_be_varied():
    """What stands beside its id counts instead."""
    rig = guarded(OK, router={"guardrails": NAMED}, input_guardrails=[{"id": "pii-v2", "deny": False}])

    assert 246 == (await rig.handle(messages=[{"role": "user", "content": "secret"}])).status


async def test_a_named_mutator_stays_one():
    """Its own type counts, wherever it is named."""
    rig = guarded(OK, router={"guardrails": NAMED}, input_guardrails=["long"])

    await rig.create()

    assert "HELLO" == rig.transport.requests[0].json["messages"][0]["content"]


def test_a_mistyped_name_is_refused():
    """Also where the reference would let an empty guardrail pass, once the router has named ones."""
    expected = "no guardrail 'pii-v3' is declared for this router, did you mean 'pii-v2'?"

    for entry in ("pii-v3", {"id": "pii-v3"}):
        [problem] = problems_of(target(input_guardrails=[entry]), guardrails=NAMED)
        assert f"config.input_guardrails[0]: {expected}" == problem


def test_named_guardrails_are_checked_when_declared():
    """Whether anybody names them or not."""
    with pytest.raises(ConfigError) as caught:
        Router(guardrails={"a": {"t.nope": {}}, "b": 5}, checks=CHECKS)
    assert ["guardrails.b: expected an object, got 5"] == [str(problem) for problem in caught.value.problems]

    with pytest.raises(ConfigError) as caught:
        Router(guardrails={"a": {"t.nope": {}}}, checks=CHECKS)
    assert ["guardrails.a.t.nope: unknown check 't.nope'"] == [
        str(problem).split(", did")[0] for problem in caught.value.problems
    ]


# -- inheritance ---------------------------------------------------------------------------------------


def nested(leaf, **members):
    """A leaf two strategies deep, with hooks on the way."""
    inner = {"strategy": {"mode": "single"}, "targets": [target(**leaf)], **members}
    return {
        "strategy": {"mode": "single"},
        "targets": [inner],
        "input_guardrails": [guard("t.passes", id="root")],
    }


async def test_hooks_add_up_from_the_root():
    """A target's harmless hook, or empty list, switches nothing off."""
    leaf = {"input_guardrails": [guard("t.passes", id="leaf")]}
    inner = {"input_mutators": [guard("t.shout", id="inner")]}

    assert ["root", "inner", "leaf"] == await ids_of(guarded(OK, config=nested(leaf, **inner)))
    assert ["root"] == await ids_of(guarded(OK, config=nested({"input_guardrails": []})))


async def test_inherit_hooks_false_opts_out_of_the_ancestors():
    """At the place where it stands, and below."""
    leaf = {"input_guardrails": [guard("t.passes", id="leaf")], "inherit_hooks": False}
    assert ["leaf"] == await ids_of(guarded(OK, config=nested(leaf)))

    inner = {"inherit_hooks": False, "input_guardrails": [guard("t.passes", id="inner")]}
    assert ["inner"] == await ids_of(guarded(OK, config=nested({}, **inner)))


async def test_the_order_within_a_target():
    """Long hooks, guardrails, mutators, as recorded; the results keep it."""
    rig = guarded(
        OK,
        input_mutators=[guard("t.shout", id="3")],
        input_guardrails=[guard("t.passes", id="2")],
        before_request_hooks=[{"type": "guardrail", "id": "1", "checks": [{"id": "t.passes"}]}],
    )

    assert ["1", "2", "3"] == await ids_of(rig)


async def test_the_routers_own_guardrails_run_on_every_call():
    """Whatever config it brings, before any other; nothing opts out of them."""
    own = {
        "input_guardrails": [guard("t.clean", id="own", deny=True)],
        "output_guardrails": [guard("t.clean", id="out")],
    }
    leaf = {"input_guardrails": [guard("t.passes", id="leaf")], "inherit_hooks": False}
    rig = guarded(OK, router=own, **leaf)

    assert ["own", "leaf"] == await ids_of(rig)
    assert ["out"] == await ids_of(rig, after)
    view = rig.router.with_options(config=target("b"))
    response = await view.handle({"model": "m", "messages": [{"role": "user", "content": "secret"}]})
    assert 446 == response.status


@pytest.mark.parametrize("model", ["gpt-4o", "@prod/gpt-4o"])
async def test_the_routers_own_guardrails_run_for_named_providers_too(model):
    """A call that names its provider escapes nothing."""
    rig = Rig(
        None,
        OK,
        providers={"prod": target()},
        checks=CHECKS,
        input_guardrails=[guard("t.fails", deny=True)],
        request_config="trusted",
    )
    headers = {} if model[0] == "@" else {"x-portkey-provider": "@prod"}

    assert 446 == (await rig.handle(headers, model=model)).status


async def test_a_named_providers_hooks_and_the_targets_add_up():
    """Neither replaces the other."""
    rig = guarded(
        OK,
        config={"provider": "@prod", "input_guardrails": [guard("t.passes", id="own")]},
        router={"providers": {"prod": target(input_guardrails=[guard("t.passes", id="named")])}},
    )

    assert ["named", "own"] == await ids_of(rig)


def test_endless_guardrails_are_refused():
    """Whatever the host's code builds them of."""
    endless = {"t.fails": {}}
    endless["t.fails"]["again"] = endless
    for options in ({"guardrails": {"a": endless}}, {"input_guardrails": [endless]}):
        assert ["contains itself"] == [text.split(": ")[1] for text in problems_of(target(), **options)]


def test_the_routers_own_guardrails_are_checked():
    """With paths of their own."""
    assert ["input_guardrails[0].t.nope: unknown check 't.nope'", "output_guardrails[1]: no guardrail"] == [
        text.split(", did")[0].split(" 'x'")[0]
        for text in problems_of(
            target(), input_guardrails=[guard("t.nope")], output_guardrails=[guard("t.passes"), "x"]
        )
    ]
    assert ["input_guardrails: expected a list, got an object"] == problems_of(target(), input_guardrails={})
    assert ["guardrail_errors: expected one of pass, deny, got text 'maybe'"] == problems_of(
        target(), guardrail_errors="maybe"
    )


# -- checks of the host's ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("checks", "expected"),
    [
        ({"acme.x": 5}, "checks.acme.x: expected a function that takes a HookContext, got 5"),
        ({"acme.x": Verdict}, "checks.acme.x: expected a function that takes a HookContext, got a type"),
        ({"x": len}, "checks.x: expected an id of your own with a dot, such as acme.no_secrets"),
        ({"openai.moderation": len}, "checks.openai.moderation: expected an id of your own with a dot"),
        ({"default.contains": len}, "checks.default.contains: expected an id of your own with a dot"),
        ([], "checks: expected an object, got a list"),
    ],
)
def test_checks_are_functions_with_an_id_of_their_own(checks, expected):
    """Nothing of the library's can be replaced by accident."""
    with pytest.raises(ConfigError) as caught:
        Router(checks=checks)

    assert str(caught.value).startswith(expected)


class Judge:
    def judge(self, context):
        return True

    def __call__(self, context):
        return True

    def nothing(self):
        return True


class Silent:
    """Its signature cannot be read."""

    __signature__ = 5

    def __call__(self, context):
        return True


@pytest.mark.parametrize(
    "check",
    [
        lambda: True,
        lambda context, limit: True,
        lambda *, context: True,
        Judge().nothing,
        partial(lambda context: True, None),
        blocking(lambda: True),
        transforming(blocking(lambda: True)),
    ],
    ids=["nothing", "two", "keyword", "method", "partial", "blocking", "transforming"],
)
def test_a_check_that_cannot_be_called_is_refused(check):
    """When the router is made, not at the first call, where it would only be a check that fails."""
    with pytest.raises(ConfigError) as caught:
        Router(checks={"acme.x": check, "acme.y": check})

    text = "cannot be called with one argument, the HookContext: write it as `def check(context): ...`"
    assert [f"checks.acme.x: {text}", f"checks.acme.y: {text}"] == [
        str(problem) for problem in caught.value.problems
    ]


@pytest.mark.parametrize(
    "check",
    [
        lambda anything: True,
        lambda context, limit=5: True,
        lambda *contexts: True,
        Judge().judge,
        Judge(),
        Silent(),
        partial(lambda limit, context: True, 5),
        transforming(blocking(lambda context: True)),
        len,
        max,
    ],
    ids=[
        "one",
        "default",
        "any",
        "method",
        "object",
        "silent",
        "partial",
        "wrapped",
        "built-in",
        "no signature",
    ],
)
def test_a_check_that_takes_a_context_is_taken(check):
    """Whatever else it could take; what does not say what it takes is believed."""
    assert Router(checks={"acme.x": check})


# -- headers -------------------------------------------------------------------------------------------


async def test_default_guardrails_of_headers_come_last():
    """Recorded: on every target, whatever it has."""
    rig = Rig(None, OK, checks=CHECKS)
    config = target("api.openai.com", input_guardrails=[guard("t.passes", id="own")], inherit_hooks=False)
    headers = {
        "x-portkey-config": json.dumps({**config, "custom_host": "https://api.openai.com/v1"}),
        "x-portkey-default-input-guardrails": json.dumps([guard("t.passes", id="header")]),
        "x-portkey-default-output-guardrails": [guard("t.passes", id="out")],
    }

    assert ["own", "header"] == await ids_of(rig, headers=headers)
    assert ["out"] == await ids_of(rig, after, headers)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("nope", "headers.x-portkey-default-input-guardrails"),
        ("{}", "headers.x-portkey-default-input-guardrails: expected a list, got an object"),
        ('[{"t.nope": {}}]', "headers.x-portkey-default-input-guardrails[0].t.nope: unknown check"),
        ("[" * 500, "headers.x-portkey-default-input-guardrails"),
        ('["pii"]', "headers.x-portkey-default-input-guardrails[0]: no guardrail 'pii'"),
    ],
)
async def test_wrong_default_guardrails_are_a_400(text, expected):
    """The reference crashes."""
    rig = Rig(None, OK, checks=CHECKS)
    headers = {
        "x-portkey-provider": "openai",
        "authorization": f"Bearer {KEY}",
        "x-portkey-default-input-guardrails": text,
    }

    response = await rig.handle(headers)

    assert (400, True) == (response.status, response.body["message"].startswith(expected))


async def test_default_guardrails_are_routing():
    """A router with a config of its own takes none from requests."""
    rig = guarded(OK)

    response = await rig.handle({"x-portkey-default-input-guardrails": "[]"})

    assert 400 == response.status


async def test_headers_guard_named_models_too():
    """`"model": "@name/model"` does not leave them behind."""
    rig = Rig(None, OK, providers={"prod": {**target(), "expose": True}})
    rule = {"contains": {"operator": "none", "words": ["Hello"]}, "deny": True}
    headers = {"x-portkey-default-input-guardrails": json.dumps([rule])}

    assert 446 == (await rig.handle(headers, model="@prod/gpt-4o")).status


# -- trust ---------------------------------------------------------------------------------------------

HOOK = {"default.webhook": {"webhookURL": "https://example.org/hook"}}


@pytest.mark.parametrize("check", ["webhook", "log", "validUrls", "jwt", "moderation", "inlineImageUrls"])
async def test_requests_may_not_bring_checks_that_call_out(check):
    """A stranger's config makes this host call nobody but the provider."""
    rig = Rig(None, OK)
    for headers in (
        {
            "x-portkey-config": json.dumps(
                {"provider": "openai", "api_key": KEY, "input_guardrails": [{check: {}}]}
            )
        },
        {
            "x-portkey-provider": "openai",
            "authorization": KEY,
            "x-portkey-default-input-guardrails": json.dumps([{check: {}}]),
        },
    ):
        response = await rig.handle(headers)
        assert 400 == response.status
        assert "a check that calls other services may not be used by requests" in response.body["message"]


async def test_requests_may_use_the_checks_the_host_registered():
    """They are there to be used; only outgoing ones are kept from requests."""
    rig = Rig(None, OK, checks=CHECKS)
    config = {"provider": "openai", "api_key": KEY, "input_guardrails": [guard("t.fails", deny=True)]}

    assert 446 == (await rig.handle({"x-portkey-config": json.dumps(config)})).status


async def test_requests_may_name_the_hosts_guardrails_that_do():
    """What the host declared is the host's word."""
    rig = Rig(None, error(503), guardrails={"hook": HOOK})
    config = {"provider": "openai", "api_key": KEY, "input_guardrails": ["hook"]}

    response = await rig.handle({"x-portkey-config": json.dumps(config)})

    assert "may not be used" not in json.dumps(response.body)
    assert "example.org" == rig.transport.requests[0].host


@pytest.mark.parametrize(
    ("hooks", "text"),
    [
        ([{"regexMatch": {"rule": "a" * 900}}] * 2, "characters in all patterns"),
        ([{"contains": {"operator": "any", "words": ["a" * 30_000]}}] * 2, "characters in the parameters"),
    ],
)
async def test_reading_a_requests_hooks_is_bounded(hooks, text):
    """Compiling patterns takes time."""
    rig = Rig(None, OK)
    config = {"provider": "openai", "api_key": KEY, "input_guardrails": hooks}

    response = await rig.handle({"x-portkey-config": json.dumps(config)})

    assert 400 == response.status
    assert text in response.body["message"]


# -- the rest of the language --------------------------------------------------------------------------


def test_explain_names_the_hooks_of_each_target():
    """Which would run, and how they would act."""
    rig = guarded(
        OK,
        input_guardrails=[guard("t.clean", "t.passes", id="g1", deny=True)],
        output_mutators=[guard("t.redact", id="m1")],
        output_guardrails=[guard("t.clean", id="g2", **{"async": True})],
    )

    explanation = rig.router.explain({"model": "m", "messages": []})

    assert (
        "before the call: guardrail g1 (t.clean, t.passes; denies)",
        "after the call: guardrail g2 (t.clean; asynchronous, denies nothing)",
        "after the call: mutator m1 (t.redact; streams: window)",
    ) == explanation.targets[0].hooks
    assert "guardrail g1 (t.clean, t.passes; denies)" in str(explanation)


def test_a_deny_that_comes_too_late_is_a_warning():
    """`stream: "after"` beside `deny` is a choice, and told."""
    rig = guarded(OK, output_guardrails=[guard("t.clean", deny=True, stream="after")])

    assert ["config.output_guardrails[0].stream: its verdict comes too late to deny a stream"] == [
        str(warning) for warning in rig.router.warnings
    ]


def test_the_schema_accepts_what_the_config_accepts():
    """Both forms, and no unknown member of the long one."""
    schema = Config.json_schema()
    good = target(
        input_guardrails=["pii", guard("t.x", deny=True, on_fail={"feedback": {"value": 1}})],
        before_request_hooks=[{"type": "guardrail", "checks": [{"id": "a.b", "parameters": {}}]}],
        inherit_hooks=False,
    )
    jsonschema.validate(good, schema)
    for bad in (
        target(input_guardrails={}),
        target(input_guardrails=[5]),
        target(input_guardrails=[{"t.x": True}]),
        target(input_guardrails=[{"deny": "yes"}]),
        target(before_request_hooks=[{"chekcs": []}]),
        target(before_request_hooks=["name"]),
    ):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(bad, schema)


async def test_hooks_of_another_config_do_not_linger():
    """A reload replaces them for new calls."""
    rig = guarded(OK, input_guardrails=[guard("t.fails", deny=True)])
    assert 446 == (await rig.handle()).status

    rig.router.reload(target())

    assert 200 == (await rig.handle()).status


def test_nothing_of_guardrails_is_imported_without_them():
    """Import time is the price of every program."""
    code = (
        "import sys, llmroute\n"
        "llmroute.Router({'provider': 'openai', 'api_key': 'k'})\n"
        "print([n for n in sys.modules if n.startswith('llmroute.') and ('hooks.engine' in n or 'layers.hooks' in n)])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "[]" == done.stdout.strip()


async def test_transports_of_tests_answer_webhooks_too():
    """A scripted transport sees the requests of checks, so that they can be tested like providers."""
    transport = ScriptedTransport([error(500), OK])
    async with Router({**target(), "input_guardrails": [HOOK]}, transport=transport) as router:
        await router.chat.completions.create(model="m", messages=[{"role": "user", "content": "x"}])

    assert ["example.org", "a.example"] == [sent.host for sent in transport.requests]
