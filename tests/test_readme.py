"""The README is true: its code runs, its configs are valid, its tables are complete."""

from __future__ import annotations

import ast
import asyncio
import inspect
import os
import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest
import readme_kit
from aiohttp.test_utils import TestClient, TestServer
from readme_kit import README, Block, blocks, names_in_first_column, part

import llmroute
import llmroute.errors
import llmroute.transport.aiohttp as network
from llmroute.cli import main
from llmroute.config.comparison import OPERATOR_NAMES
from llmroute.config.schema import (
    LATER_MEMBERS,
    OPTIONS,
    ConditionSettings,
    ConfigNode,
    RetrySettings,
    StrategySettings,
)
from llmroute.hooks.registry import CHECKS
from llmroute.telemetry import events
from llmroute.testing import completion, tool_call
from llmroute.testing.upstream import LoopbackUpstream

TEXT = README.read_text("utf-8")
#: The two commands of the first screen; `.ci/run` calls the second one's last part.
SETUP = [
    "python -m venv .venv && .venv/bin/pip install . && .venv/bin/python -m llmroute demo\n",
    "python -m venv .venv && .venv/bin/pip install -e '.[dev]' && .venv/bin/python -m pytest\n",
]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with the README's config files."""
    for block in blocks(TEXT, "json"):
        if block.file is not None:
            (tmp_path / block.file).write_text(block.code, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def offline(loopback_upstream: LoopbackUpstream, monkeypatch: pytest.MonkeyPatch) -> LoopbackUpstream:
    """Whatever host the README names, its requests reach the loopback upstream, over real HTTP."""

    class Redirected(network.AiohttpTransport):
        async def send(self, request: Any, **options: Any) -> Any:
            url = request.url
            if url.host != "127.0.0.1":
                url = url.with_scheme("http").with_host("127.0.0.1")
                url = url.with_port(int(loopback_upstream.url.rpartition(":")[2]))
            return await super().send(attrs.evolve(request, url=url), **options)

    monkeypatch.setattr(network, "AiohttpTransport", Redirected)
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY"):
        monkeypatch.setenv(name, "test-key")
    return loopback_upstream


class Session:
    """Runs blocks one after the other in one namespace, as pasted into `python -m asyncio`."""

    def __init__(self) -> None:
        self.names: dict[str, Any] = {"__name__": "__main__"}
        self._runner = asyncio.Runner()

    def run(self, block: Block) -> None:
        """Execute a block. Line numbers in tracebacks are those of the README."""
        source = "\n" * (block.line - 1) + block.code
        code = compile(source, str(README), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        if code.co_flags & inspect.CO_COROUTINE:
            self.wait(eval(code, self.names))
        else:
            exec(code, self.names)

    def wait(self, work: Any) -> Any:
        """The result of a coroutine on the session's loop."""
        return self._runner.run(work)

    def close(self) -> None:
        self._runner.close()


@pytest.fixture
def session() -> Iterator[Session]:
    session = Session()
    yield session
    session.close()


def test_python_blocks_run(
    session: Session, folder: Path, offline: LoopbackUpstream, capsys: pytest.CaptureFixture[str]
):
    """All of them in order, in one namespace; a block that needs more than the README gives would fail."""
    ran = [block for block in blocks(TEXT, "python") if "no-run" not in block.words]
    for block in ran:
        if "get_weather" in block.code:
            offline.play("/v1", [completion(tool_calls=[tool_call("get_weather", {"city": "Paris"})])])
        session.run(block)

    assert len(ran) >= 14
    out = capsys.readouterr().out
    assert "You said: Capital of France?\nconfig.targets[0]" in out
    assert "You said: What is a lighthouse?" in out, "the stream"
    assert "The tool said: 18 degrees in Paris" in out
    assert session.wait(_service_answers(session.names["app"])) == [
        "You said: Hello",
        "data: [DONE]",
    ], "the aiohttp service"


async def _service_answers(app: Any) -> list[str]:
    body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello"}]}
    async with TestClient(TestServer(app)) as client:
        async with client.post("/v1/chat/completions", json=body) as answer:
            whole = await answer.json()
        async with client.post("/v1/chat/completions", json={**body, "stream": True}) as answer:
            events = await answer.text()
    return [whole["choices"][0]["message"]["content"], events.strip().splitlines()[-1]]


def test_the_explanation_shown_is_the_one_given(session: Session, folder: Path, capsys):
    """The text block behind the explain example is its output."""
    shown = [block.code for block in blocks(TEXT, "text") if block.code.startswith("call within")]
    example = next(block for block in blocks(TEXT, "python") if ".explain(" in block.code)
    session.names["Router"] = llmroute.Router

    session.run(example)
    assert shown == [capsys.readouterr().out]


@pytest.mark.parametrize("block", blocks(TEXT, "json"), ids=lambda block: f"line {block.line}")
def test_configs_are_valid(block: Block):
    """Every JSON block is a config that a router takes, without warnings."""
    assert () == llmroute.Router(block.code).warnings


def test_the_first_screen_holds_the_two_commands():
    """Setting up with the main job, and with the tests."""
    setup = [block.code for block in blocks(TEXT, "bash") if "venv" in block.code]
    assert SETUP == setup
    assert TEXT.index(SETUP[1]) < 1_500


@pytest.mark.skipif(not (README.parent / ".ci" / "run").exists(), reason="not in a source tree")
def test_ci_runs_the_test_command():
    """`.ci/run` installs the same extra and calls pytest in the same way."""
    script = (README.parent / ".ci" / "run").read_text("utf-8")
    assert "-e '.[dev]'" in script
    assert '"$venv/bin/python" -m pytest' in script


COMMANDS = [
    line.removeprefix("python -m llmroute ")
    for block in blocks(TEXT, "bash")
    if "venv" not in block.code and "no-run" not in block.words
    for line in block.code.splitlines()
]


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_run(command: str, folder: Path, offline: LoopbackUpstream, capsys):
    """Every command line shown succeeds and prints something."""
    assert 0 == main(shlex.split(command))
    assert capsys.readouterr().out.strip()


def test_the_list_of_providers_is_complete():
    """`python tests/readme_kit.py` writes it anew."""
    assert readme_kit.providers_table(readme_kit.known_providers()) == part(TEXT, "providers")


def _fields(kind: type[Any]) -> set[str]:
    return {field.name for field in attrs.fields(kind) if not field.metadata.get("gathered")}


def test_every_config_member_is_in_the_reference():
    """And nothing that the config language does not have."""
    members = names_in_first_column(part(TEXT, "members"))
    assert set() == _fields(ConfigNode) - members
    assert set() == members - _fields(ConfigNode) - set(OPTIONS)
    assert _fields(RetrySettings) == names_in_first_column(part(TEXT, "retry members"))
    assert _fields(StrategySettings) == names_in_first_column(part(TEXT, "strategy members"))
    assert {"query", "then"} == _fields(ConditionSettings)


def test_every_default_of_the_retry_table_is_the_schemas():
    """The numbers and words in its last column."""
    table = part(TEXT, "retry members").replace(",000", "000")
    for name in ("jitter", "initial_backoff", "max_backoff"):
        row = next(line for line in table.splitlines() if line.startswith(f"| `{name}`"))
        default = attrs.fields_dict(RetrySettings)[name].default
        assert str(default) == row.split(" | ")[-1].strip(' |`"')


def test_every_operator_is_explained():
    """Those of a query's keys, and the two that join queries."""
    assert {*OPERATOR_NAMES, "$and", "$or"} == names_in_first_column(part(TEXT, "operators"))


def test_everything_not_supported_yet_is_named():
    """The members that a config may not have for now, and no others."""
    named = set(re.findall(r"`(\w+)`", part(TEXT, "later")))
    later = {name for names in LATER_MEMBERS.values() for name in names}
    modes = attrs.fields_dict(StrategySettings)["mode"].type.__metadata__[0].later
    assert later | set(modes) == named - {"retry"}


def test_every_event_is_named():
    """Those that observers receive."""
    section = TEXT.partition("\n## Observers\n")[2].partition("\n## ")[0]
    defined = {kind.__name__ for kind in vars(events).values() if _is_event(kind)}
    assert set() == defined - set(re.findall(r"`(\w+)`", section))


def _is_event(kind: object) -> bool:
    return inspect.isclass(kind) and issubclass(kind, events.Event) and kind is not events.Event


def test_the_error_tree_is_the_modules():
    """The tree in the README is that of the docstring of `llmroute.errors`."""
    tree = next(block.code for block in blocks(TEXT, "text") if block.code.startswith("LLMRouteError"))
    assert tree.strip() in (llmroute.errors.__doc__ or "")


def test_links_inside_the_readme_lead_somewhere():
    """Every `#anchor` is a heading."""
    prose = re.sub(r"^```.*?^```$", "", TEXT, flags=re.MULTILINE | re.DOTALL)
    headings = {
        re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")
        for heading in re.findall(r"^#+ (.+)$", prose, re.MULTILINE)
    }
    assert set() == set(re.findall(r"\]\(#([^)]+)\)", prose)) - headings


def test_files_named_in_the_readme_exist():
    """Paths in code quotes that look like files of this project."""
    named = set(re.findall(r"`((?:tests|benchmarks)/[\w./]*)`", TEXT))
    assert set() == {name for name in named if not os.path.exists(README.parent / name)}
    assert sys.version_info >= (3, 11)


def test_every_check_is_in_the_table():
    """The ready-made checks, and no others; partners have modules of their own."""
    ready = {check.removeprefix("default.") for check in CHECKS if check.startswith("default.")}
    rows = [line.split(" | ")[0] for line in part(TEXT, "checks").splitlines() if line.startswith("| `")]
    assert ready == {name for row in rows for name in re.findall(r"`(\w+)`", row)}
