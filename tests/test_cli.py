"""The command line, as a person or a script uses it."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

import llmroute
from llmroute.cli import main
from llmroute.testing import completion, cut, reply, split, stall, stream, tool_call
from llmroute.testing.upstream import LoopbackUpstream

KEY = "sk-very-secret"
#: Warnings as errors: a session or socket left behind would show on standard error.
COMMAND = (sys.executable, "-W", "error", "-m", "llmroute")


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Writes a config into the working directory and gives its name."""
    monkeypatch.chdir(tmp_path)

    def write(config: Any, name: str = "router.json") -> str:
        text = config if isinstance(config, str) else json.dumps(config)
        (tmp_path / name).write_text(text, encoding="utf-8")
        return name

    return write


@pytest.fixture
def stdin(monkeypatch: pytest.MonkeyPatch):
    """Sets what standard input holds."""
    return lambda data: monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))


def target(upstream: LoopbackUpstream, path: str = "a", **members: Any) -> dict[str, Any]:
    return {
        "provider": "openai",
        "api_key": KEY,
        "custom_host": f"{upstream.url}/{path}/v1",
        "override_params": {"model": "m"},
        **members,
    }


def run(*args: str, data: bytes = b"", **environment: str) -> subprocess.CompletedProcess[str]:
    """A command in a process of its own, its output piped."""
    return subprocess.run(
        [*COMMAND, *args],
        input=data.decode(),
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        env={**os.environ, **environment},
    )


def start(args: Sequence[str], **options: Any) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*COMMAND, *args],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        env=os.environ | {"PYTHONIOENCODING": "utf-8"},
        **options,
    )


# -- demo ------------------------------------------------------------------------------------------


def test_demo_shows_the_main_job_offline():
    """A 429, a retry after the wait asked for, a fallback to another format, a tool call and a stream."""
    done = run("demo", PYTHONIOENCODING="utf-8")

    assert (0, "") == (done.returncode, done.stderr)
    for shown in (
        '"strategy": {"mode": "fallback"',
        "└─ config.targets[1]: anthropic claude-sonnet-4-5",
        "answer     Paris.",
        "route: 3 attempts in 1.0",
        "(waited 1.0",
        " s, as Retry-After asked)",
        "at /anthropic/v1/messages",
        '"system": [{"type": "text", "text": "Answer in one word."}]',
        'get_weather({"city":"Paris"})  from openai',
        '"celsius": 18}  from anthropic',
        "and asks for nothing in return.",
        "19, in OpenAI's shape; finish reason 'stop'",
        "Done: 7 HTTP requests",
    ):
        assert shown in done.stdout
    assert "sk-demo" not in done.stdout
    assert "\x1b" not in done.stdout


def test_output_may_be_cut_off_by_its_reader():
    """`llmroute demo | head -1` ends quietly, with the status a closed pipe usually gives."""
    with start(["demo"]) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert "llmroute demo: offline, no keys needed.\n" == process.stdout.readline()
        process.stdout.close()

        assert "" == process.stderr.read()
    assert 141 == process.returncode


# -- chat ------------------------------------------------------------------------------------------


def test_chat_streams_the_answer(write, loopback_upstream: LoopbackUpstream):
    """The answer alone is on standard output, so that it can be piped."""
    config = write(target(loopback_upstream))

    done = run("chat", "--config", config, "--system", "Be brief.", "hello there")

    assert (0, "You said: hello there\n", "") == (done.returncode, done.stdout, done.stderr)
    sent = loopback_upstream.calls[0].json
    assert ("m", True, ["system", "user"]) == (
        sent["model"],
        sent["stream"],
        [message["role"] for message in sent["messages"]],
    )


def test_chat_prints_chunks_as_they_arrive_and_stops_on_ctrl_c(write, loopback_upstream: LoopbackUpstream):
    """The first words are there while the provider is silent; Ctrl-C hangs up and ends with 130."""
    loopback_upstream.play("/a", [stall(stream("one two three"), 3)])
    config = write(target(loopback_upstream))

    with start(["chat", "--config", config, "hi"]) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert "one two" == process.stdout.read(len("one two"))
        process.send_signal(signal.SIGINT)

        assert "llmroute: interrupted\n" == process.stderr.read()
    assert 130 == process.returncode
    assert "hung_up" == loopback_upstream.calls[0].ended.result(10)


def test_chat_without_stream_reads_standard_input(write, stdin, capsys, loopback_upstream: LoopbackUpstream):
    """The text "-" stands for standard input, and `--no-stream` asks for a whole answer."""
    stdin("from a pipe äö\n".encode())

    assert 0 == main(["chat", "--config", write(target(loopback_upstream)), "--no-stream", "-"])
    assert ("You said: from a pipe äö\n\n", "") == capsys.readouterr()
    assert "stream" not in loopback_upstream.calls[0].json


def test_chat_routes_by_metadata_and_named_providers(write, capsys, loopback_upstream: LoopbackUpstream):
    """`--metadata` feeds conditions; `--providers` declares what `@name` means."""
    condition = {"query": {"metadata.tier": "pro"}, "then": "big"}
    config = write(
        {
            "strategy": {"mode": "conditional", "conditions": [condition], "default": "small"},
            "targets": [
                {"name": "big", "provider": "@house", "override_params": {"model": "large"}},
                {"name": "small", **target(loopback_upstream)},
            ],
        }
    )
    house = {**target(loopback_upstream, "house"), "override_params": {}}
    providers = write({"house": house}, "providers.json")
    options = ["--config", config, "--providers", providers]

    assert 0 == main(["chat", *options, "--metadata", '{"tier": "pro"}', "hi"])
    assert 0 == main(["chat", *options, "--model", "other", "hi"])
    assert [("/house/v1/chat/completions", "large"), ("/a/v1/chat/completions", "m")] == [
        (call.path, call.json["model"]) for call in loopback_upstream.calls
    ]


def test_chat_tells_the_route(write, capsys, loopback_upstream: LoopbackUpstream):
    """`--route` lists every attempt on standard error, with the waits between."""
    loopback_upstream.fail("/a", status=429, times=2, message="slow down", retry_after=0.05)
    retry = {"attempts": 1, "use_retry_after_headers": True}
    first, second = target(loopback_upstream, retry=retry), target(loopback_upstream, "b")
    config = write({"strategy": {"mode": "fallback"}, "targets": [first, second]})

    assert 0 == main(["chat", "--config", config, "--route", "hi"])
    out, err = capsys.readouterr()
    assert "You said: hi\n" == out
    head, once, wait, twice, last = err.splitlines()
    assert head.startswith("route: 3 attempts in ")
    assert once.strip().startswith("1. config.targets[0]  openai  m  429  ")
    assert once.endswith("  openai error: slow down")
    assert wait.strip().startswith("(waited ")
    assert wait.endswith(", as Retry-After asked)")
    assert twice.strip().startswith("2. config.targets[0]")
    assert last.strip().startswith("3. config.targets[1]  openai  m  200")


def test_chat_fails_with_every_attempt(write, capsys, loopback_upstream: LoopbackUpstream):
    """When no target answers the status is 1 and standard error says what each one did."""
    loopback_upstream.fail("/", status=500, times=None, message="broken")
    config = write(
        {
            "strategy": {"mode": "fallback"},
            "targets": [target(loopback_upstream), target(loopback_upstream, "b")],
        }
    )

    assert 1 == main(["chat", "--config", config, "hi"])
    out, err = capsys.readouterr()
    assert "" == out
    assert [
        "llmroute: error: openai error: broken",
        "2 attempts:",
        "  config.targets[0] (openai): 500 openai error: broken",
        "  config.targets[1] (openai): 500 openai error: broken",
    ] == err.splitlines()

    assert 1 == main(["chat", "--config", config, "--route", "hi"])
    assert 1 == capsys.readouterr().err.count("config.targets[0]"), "told once, by the route"


def test_chat_reports_a_stream_that_breaks(write, capsys, loopback_upstream: LoopbackUpstream):
    """What arrived is printed, the line ended, and the status is 1."""
    loopback_upstream.play("/a", [cut(stream("one two three"), 3)])

    assert 1 == main(["chat", "--config", write(target(loopback_upstream)), "hi"])
    out, err = capsys.readouterr()
    assert "one two \n" == out
    assert err.startswith("llmroute: error: the stream broke")


ANSWERS = {
    "a tool call": (
        stream(tool_calls=[tool_call("f", {"a": 1})]),
        "",
        'llmroute: the model calls f({"a":1})\n',
    ),
    "cut short": (
        stream("a b", finish_reason="length"),
        "a b\n",
        "llmroute: the answer ended with finish reason 'length'\n",
    ),
    "a refusal": (stream([{"refusal": "I will not."}]), "", "llmroute: the model refused: I will not.\n"),
    "its own line end": (stream("done\n"), "done\n", ""),
    "bytes cut anywhere": (split(stream("für Élise"), 5), "für Élise\n", ""),
}


@pytest.mark.parametrize("case", ANSWERS)
def test_chat_says_what_the_text_does_not_tell(case, write, capsys, loopback_upstream: LoopbackUpstream):
    """Tool calls, refusals and early ends go to standard error; the text alone to standard output."""
    answer, out, err = ANSWERS[case]
    loopback_upstream.play("/a", [answer])

    assert 0 == main(["chat", "--config", write(target(loopback_upstream)), "hi"])
    assert (out, err) == capsys.readouterr()


def test_a_tool_call_without_stream_prints_no_empty_line(write, capsys, loopback_upstream: LoopbackUpstream):
    """`--no-stream` prints nothing where there is no text."""
    loopback_upstream.play("/a", [completion(tool_calls=[tool_call("f")])])

    assert 0 == main(["chat", "--config", write(target(loopback_upstream)), "--no-stream", "hi"])
    assert ("", "llmroute: the model calls f({})\n") == capsys.readouterr()


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_an_answer_cannot_send_control_sequences_to_a_terminal(
    write, monkeypatch: pytest.MonkeyPatch, loopback_upstream: LoopbackUpstream
):
    """On a terminal control characters are replaced; newlines and tabs stay."""
    loopback_upstream.play("/a", [completion("a\x1b[31mb\x9bc\td\ne")])
    screen = _Terminal()
    monkeypatch.setattr(sys, "stdout", screen)

    assert 0 == main(["chat", "--config", write(target(loopback_upstream)), "--no-stream", "hi"])
    assert "a\N{REPLACEMENT CHARACTER}[31mb\N{REPLACEMENT CHARACTER}c\td\ne\n" == screen.getvalue()


USAGE = {
    "an empty message": (["--model", "m", " "], "there is no message to send"),
    "metadata that is no object": (
        ["--metadata", "[1]", "hi"],
        "--metadata: expected a JSON object, got [1]",
    ),
    "metadata that is no JSON": (["--metadata", "{", "hi"], "--metadata: expected a JSON object: Expecting"),
    "a config that is not there": (["--config", "no.json", "hi"], "no.json: cannot be read: No such file"),
    "named providers that are none": (
        ["--providers", "list.json", "hi"],
        "list.json: expected a JSON object, got []",
    ),
    "a wrong named provider": (
        ["--providers", "wrong.json", "hi"],
        "wrong.json: providers.x.",
    ),
    "a wrong config": (
        ["--config", "bad.json", "hi"],
        "bad.json: config.provider: unknown provider 'opnai'",
    ),
}


@pytest.mark.parametrize("case", USAGE)
def test_wrong_usage_and_wrong_configs_have_status_2(case, write, capsys):
    """The message names the option or the file, and nothing is sent."""
    write([], "list.json")
    write({"x": {"api_key": KEY}}, "wrong.json")
    write({"provider": "opnai"}, "bad.json")
    config = write({"provider": "openai"})
    args, expected = USAGE[case]

    assert 2 == main(["chat", "--config", config, *args])
    out, err = capsys.readouterr()
    assert "" == out
    assert err.startswith(f"llmroute: error: {expected}")
    assert KEY not in err


def test_standard_input_must_be_text(write, stdin, capsys):
    """Bytes that are not UTF-8 are refused rather than sent as something else."""
    stdin(b"\xff\xfe")

    assert 2 == main(["chat", "--config", write({"provider": "openai"}), "-"])
    assert "llmroute: error: standard input is not UTF-8 text\n" == capsys.readouterr().err


def test_a_missing_model_comes_with_a_hint(write, capsys, loopback_upstream: LoopbackUpstream):
    """Who knows only the command line learns the option."""
    config = write({**target(loopback_upstream), "override_params": {}})

    assert 1 == main(["chat", "--config", config, "hi"])
    assert "add --model, or override_params.model in the config" in capsys.readouterr().err


def test_an_answer_that_is_no_completion_fails(write, capsys, loopback_upstream: LoopbackUpstream):
    """A 200 with something else in it is an error, not an empty answer."""
    loopback_upstream.play("/a", [reply(text="<html>busy</html>")])

    assert 1 == main(["chat", "--config", write(target(loopback_upstream)), "--no-stream", "hi"])
    assert "llmroute: error: openai error: " in capsys.readouterr().err


# -- explain ---------------------------------------------------------------------------------------

CONDITIONAL: Mapping[str, Any] = {
    "strategy": {
        "mode": "conditional",
        "conditions": [
            {"query": {"metadata.tier": "pro"}, "then": "big"},
            {"query": {"params.max_tokens": {"$gt": 1000}}, "then": "big"},
        ],
        "default": "small",
    },
    "targets": [
        {"name": "big", "provider": "openai", "override_params": {"model": "gpt-4o"}, "api_key": KEY},
        {"name": "small", "provider": "anthropic"},
    ],
}


@pytest.mark.parametrize(
    ("args", "target", "said"),
    [
        ([], "config.targets[1]: anthropic (no model)", "so the default is taken"),
        (["--model", "claude-haiku-4-5"], "config.targets[1]: anthropic claude-haiku-4-5", "default"),
        (["--metadata", '{"tier": "pro"}'], "config.targets[0]: openai gpt-4o", "found 'pro' -> yes"),
        (["--body", '{"max_tokens": 2000}'], "config.targets[0]: openai gpt-4o", "found 2000 -> yes"),
        (["--body", "@body.json"], "config.targets[0]: openai gpt-4o", "found 3000 -> yes"),
        (["--body", "@-"], "config.targets[0]: openai gpt-4o", "found 4000 -> yes"),
    ],
)
def test_explain_draws_the_way_of_a_call(args, target, said, write, stdin, capsys):
    """The body may be given, read from a file or piped in; without one the conversation is empty."""
    write({"max_tokens": 3000}, "body.json")
    stdin(b'{"max_tokens": 4000}')

    assert 0 == main(["explain", "--config", write(CONDITIONAL), *args])
    out, err = capsys.readouterr()
    assert "" == err
    assert out.splitlines()[-1].strip().startswith(("└─ " + target, "parameters set here: model"))
    assert f"└─ {target}" in out
    assert said in out
    assert KEY not in out


def test_explain_as_json(write, capsys):
    """`--json` gives Explanation.to_dict()."""
    assert 0 == main(["explain", "--config", write(CONDITIONAL), "--json"])

    told = json.loads(capsys.readouterr().out)
    assert (["config.targets[1]"], 600.0) == (told["targets"], told["deadline"])


def test_explain_refuses_a_body_that_could_not_be_sent(write, capsys):
    """The message names the member."""
    assert 2 == main(["explain", "--config", write(CONDITIONAL), "--body", '{"messages": "hi"}'])
    assert "llmroute: error: --body: body.messages: expected a list, got a str\n" == capsys.readouterr().err


# -- validate --------------------------------------------------------------------------------------


def test_validate_prints_every_problem_of_every_file(write, capsys):
    """One line each, FILE: PATH: MESSAGE; the status is 1 when any file has one."""
    write({"provider": "openai"}, "good.json")
    write(
        {"strategy": {"mode": "fallback"}, "targets": [{"provider": "opnai"}, {"provider": "@x"}]}, "bad.json"
    )
    write('{"provider": ', "broken.json")

    assert 1 == main(["validate", "good.json", "bad.json", "broken.json", "none.json"])
    *lines, broken, missing = capsys.readouterr().out.splitlines()
    assert [
        "good.json: valid",
        "bad.json: config.targets[0].provider: unknown provider 'opnai', did you mean 'openai'?",
        "bad.json: config.targets[1].provider: no named provider 'x' is declared for this router",
    ] == lines
    assert broken.startswith("broken.json: config: expected a JSON object, but")
    assert "none.json: file: cannot be read: No such file or directory" == missing


def test_validate_accepts_what_is_only_odd(write, capsys):
    """Warnings are told and leave the status 0; `--unknown warn` makes unknown members warnings."""
    config = write(
        {"strategy": {"mode": "single", "on_status_codes": [429]}, "targets": [{"provider": "openai"}]}
    )
    typo = write({"provider": "openai", "wieght": 1}, "typo.json")

    assert 0 == main(["validate", config, typo, "--unknown", "warn"])
    assert [
        "router.json: warning: config.strategy.on_status_codes: has no effect in mode 'single'",
        "router.json: valid",
        "typo.json: warning: config.wieght: unknown member, did you mean 'weight'?",
        "typo.json: valid",
    ] == capsys.readouterr().out.splitlines()
    assert 1 == main(["validate", typo])


def test_validate_reads_standard_input_and_writes_json(stdin, capsys):
    """For editors and CI."""
    stdin(b'{"provider": "openai", "retry": {"attempts": 9}}')

    assert 1 == main(["validate", "--json", "-"])
    message = "expected a whole number from 0 to 5, got 9"
    assert [
        {
            "file": "standard input",
            "valid": False,
            "problems": [{"path": "config.retry.attempts", "message": message}],
            "warnings": [],
        }
    ] == json.loads(capsys.readouterr().out)


def test_validate_can_ask_for_keys(write, capsys, monkeypatch: pytest.MonkeyPatch):
    """`--require-keys` finds a deployment without its variables; named providers count."""
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    config = write({"provider": "openai"})
    named = write({"provider": "@house"}, "named.json")
    providers = write({"house": {"provider": "openai", "api_key": KEY}}, "providers.json")

    assert 1 == main(["validate", "--require-keys", config])
    assert "or set OPENAI_API_KEY" in capsys.readouterr().out
    assert 0 == main(["validate", "--require-keys", "--providers", providers, named])


def test_validate_keeps_a_problem_on_one_line(write, capsys):
    """A member whose name holds a newline or an escape sequence cannot forge output."""
    write({"a\nb.json: valid\x1b[2J": 1, "provider": "openai"})

    assert 1 == main(["validate", "router.json"])
    out = capsys.readouterr().out
    assert 1 == len(out.splitlines())
    assert "\x1b" not in out


def test_validate_prints_the_schema(capsys):
    """For an editor's settings, or `$schema` in a config."""
    assert 0 == main(["validate", "--schema"])
    assert llmroute.Config.json_schema() == json.loads(capsys.readouterr().out)


def test_validate_needs_a_file(capsys):
    """Nothing to check is a wrong call, not a success."""
    assert 2 == main(["validate"])
    assert "llmroute: error: validate needs a FILE, or - for standard input\n" == capsys.readouterr().err


# -- the whole -------------------------------------------------------------------------------------


def test_version_and_help(capsys):
    """`--version` names the release; every command has a help of its own."""
    for args in (
        ["--version"],
        ["--help"],
        ["chat", "--help"],
        ["explain", "--help"],
        ["validate", "--help"],
    ):
        with pytest.raises(SystemExit) as stopped:
            main(args)
        assert 0 == stopped.value.code
    out = capsys.readouterr().out
    assert out.startswith(f"llmroute {llmroute.__version__}\n")
    for command in ("demo", "chat", "explain", "validate"):
        assert f"\n    {command}" in out


def test_without_a_command_the_help_is_shown(capsys):
    """On standard error, with the status of a wrong call."""
    assert 2 == main([])
    assert capsys.readouterr().err.startswith("usage: llmroute")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_output_that_cannot_be_written_is_an_error(write):
    """A full disk gives one line and status 1, no traceback."""
    config = write({"provider": "openai"})
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [*COMMAND, "validate", config], stdout=full, stderr=subprocess.PIPE, encoding="utf-8", timeout=60
        )
    assert (1, "llmroute: error: No space left on device\n") == (done.returncode, done.stderr)


def test_any_text_can_be_printed_in_any_encoding(write):
    """A terminal that knows only ASCII shows "?" for the rest instead of a traceback."""
    done = run("explain", "--config", write(CONDITIONAL), PYTHONIOENCODING="ascii")

    assert (0, "") == (done.returncode, done.stderr)
    assert "?? config.targets[1]: anthropic" in done.stdout
