"""`llmroute check`: the guardrails of a config on a text."""

from __future__ import annotations

import io
import json

import pytest

from llmroute.cli import main

CONFIG = {
    "provider": "openai",
    "input_mutators": [{"id": "m", "regexReplace": {"rule": "/secret/g", "redactText": "***"}}],
    "input_guardrails": [
        {"id": "short", "deny": True, "wordCount": {"minWords": 1, "maxWords": 4}},
        {"id": "polite", "contains": {"operator": "any", "words": ["please"]}},
    ],
    "output_guardrails": [{"id": "out", "deny": True, "contains": {"operator": "none", "words": ["no"]}}],
}


@pytest.fixture
def check(tmp_path, capsys):
    """Runs the command on CONFIG; status, standard output, standard error."""

    def run(*arguments, config=CONFIG):
        file = tmp_path / "router.json"
        file.write_text(json.dumps(config))
        status = main(["check", "--config", str(file), *arguments])
        return (status, *capsys.readouterr())

    return run


def test_a_text_that_passes(check):
    """Every hook with its checks, and what mutators make of the text."""
    status, out, _ = check("--text", "a secret please")

    assert 0 == status
    assert "config: passes\n" in out
    assert "  mutator m: pass\n    default.regexReplace: pass" in out
    assert "  guardrail short: pass\n    default.wordCount: pass" in out
    assert "  becomes: a *** please\n" in out


def test_a_text_that_fails_without_deny(check):
    """It would be a 246, which is no failure of the command."""
    status, out, _ = check("--text", "hello")

    assert 0 == status
    assert "config: fails, the answer would be a 246\n" in out
    assert "  guardrail polite: fail\n" in out


def test_a_denied_text_is_exit_status_1(check):
    """So that scripts can use it."""
    status, out, _ = check("--text", "one two three four five")

    assert 1 == status
    assert "config: denied, a 446\n" in out
    assert "  guardrail short: deny\n" in out


def test_the_output_side(check):
    """What guards the answers."""
    status, out, _ = check("--side", "output", "--text", "no")

    assert 1 == status
    assert "guardrail out: deny" in out
    assert "short" not in out


def test_json(check):
    """The results as a call would have them."""
    status, out, _ = check("--json", "--text", "a please")

    [trial] = json.loads(out)
    assert 0 == status
    assert (["config"], "pass", "a please") == (trial["targets"], trial["effect"], trial["text"])
    assert ["short", "polite", "m"] == [hook["id"] for hook in trial["results"]]


def test_targets_with_the_same_hooks_are_told_once(check):
    """With all their paths."""
    config = {
        "strategy": {"mode": "fallback"},
        "input_guardrails": CONFIG["input_guardrails"],
        "targets": [
            {"provider": "openai"},
            {"provider": "openai"},
            {"provider": "openai", "input_mutators": CONFIG["input_mutators"]},
        ],
    }

    _, out, _ = check("--text", "please", config=config)

    assert ["config.targets[0], config.targets[1]: passes", "config.targets[2]: passes"] == [
        line for line in out.splitlines() if line.startswith("config")
    ]


def test_the_text_may_come_from_standard_input(check, monkeypatch):
    """`--text -`."""
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"one two three four five")))

    assert 1 == check("--text", "-")[0]


def test_named_guardrails_come_from_a_file(check, tmp_path):
    """As `Router(guardrails=...)` has them."""
    named = tmp_path / "named.json"
    named.write_text(json.dumps({"short": CONFIG["input_guardrails"][0]}))
    config = {"provider": "openai", "input_guardrails": ["short"]}

    status, out, _ = check("--text", "one two three four five", "--guardrails", str(named), config=config)

    assert (1, True) == (status, "guardrail short: deny" in out)


def test_a_config_without_guardrails_is_wrong_usage(check):
    """Nothing would be checked."""
    status, _, err = check("--text", "x", config={"provider": "openai"})

    assert (2, True) == (status, "has no input guardrails" in err)


def test_a_wrong_config_is_told(check):
    """With file and path."""
    status, _, err = check(
        "--text", "x", config={"provider": "openai", "input_guardrails": [{"contians": {}}]}
    )

    assert 2 == status
    assert "config.input_guardrails[0].contians: unknown check" in err


def test_metadata_is_for_checks_that_look_at_it(check):
    """Like the metadata of a call."""
    rule = {"metadataKeys": ["team"], "operator": "all"}
    config = {"provider": "openai", "input_guardrails": [{"requiredMetadataKeys": rule, "deny": True}]}

    assert 1 == check("--text", "x", config=config)[0]
    assert 0 == check("--text", "x", "--metadata", '{"team": "a"}', config=config)[0]


def test_nothing_to_judge_and_errors_are_told_apart(check):
    """A skipped check is no error."""
    config = {"provider": "openai", "input_guardrails": [{"regexMatch": {"rule": "a"}}]}

    _, out, _ = check("--text", "", config=config)

    assert "default.regexMatch: nothing to judge" in out
