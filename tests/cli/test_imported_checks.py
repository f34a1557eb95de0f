"""`--checks MODULE:NAME`: commands that know the host's own checks."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from llmroute.cli import main
from llmroute.testing.upstream import LoopbackUpstream

SECRET = "sk-very-secret"

CONFIG: dict[str, Any] = {
    "provider": "openai",
    "api_key": SECRET,
    "override_params": {"model": "m"},
    "input_guardrails": [{"id": "own", "deny": True, "acme.polite": {}}],
}

GUARDS = """
def polite(context):
    return "please" in context.text

def calm(context):
    return not context.text.isupper()

CHECKS = {"acme.polite": polite}
MORE = {"acme.calm": calm}
AGAIN = {"acme.polite": polite}
OTHER = {"acme.polite": calm}
LISTED = [polite]
EVENTS = type("Event", (), {})()
UNDOTTED = {"polite": polite}
UNCALLABLE = {"acme.polite": "polite"}
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A working directory with a config and modules; what is imported from it is forgotten afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    (tmp_path / "router.json").write_text(json.dumps(CONFIG))
    known = set(sys.modules)

    def write(name: str, source: str) -> None:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(source)
        importlib.invalidate_caches()

    write("own_guards.py", GUARDS)
    yield write
    for name in set(sys.modules) - known:
        if name.split(".")[0].startswith("own_"):
            del sys.modules[name]


@pytest.fixture
def refused(here, capsys):
    """The only line with which a command refuses an option; its status is that of wrong usage."""

    def run(*options: str) -> str:
        assert 2 == main(["explain", "--config", "router.json", *options])
        out, err = capsys.readouterr()
        assert "" == out
        assert 1 == len(err.splitlines())
        return err.removeprefix("llmroute: error: ").rstrip("\n")

    return run


# -- the commands ----------------------------------------------------------------------------------


def test_check_runs_them(here, capsys):
    """Their verdict counts like that of any other check."""
    command = ["check", "--config", "router.json", "--checks", "own_guards:CHECKS", "--text"]

    assert 0 == main([*command, "please"])
    assert 1 == main([*command, "now"])
    assert "  guardrail own: deny\n    acme.polite: fail\n" in capsys.readouterr().out


def test_validate_knows_them(here, capsys):
    """For every file; without the option the check is unknown."""
    assert 1 == main(["validate", "router.json"])
    assert "unknown check 'acme.polite'" in capsys.readouterr().out

    assert 0 == main(["validate", "--checks", "own_guards:CHECKS", "router.json", "router.json"])
    assert "router.json: valid\n" * 2 == capsys.readouterr().out


def test_explain_knows_them(here, capsys):
    """A config that asks for them can be explained."""
    assert 0 == main(["explain", "--config", "router.json", "--checks", "own_guards:CHECKS"])
    assert "config: openai m" in capsys.readouterr().out


def test_chat_runs_them(here, capsys, loopback_upstream: LoopbackUpstream):
    """A message that they deny is not sent."""
    here("router.json", json.dumps({**CONFIG, "custom_host": f"{loopback_upstream.url}/a/v1"}))
    command = ["chat", "--config", "router.json", "--checks", "own_guards:CHECKS"]

    assert 0 == main([*command, "please"])
    assert 1 == main([*command, "now"])
    assert 1 == len(loopback_upstream.calls)


def test_the_option_may_be_given_again(here, capsys):
    """The mappings are joined; the same function under the same id is no conflict."""
    config = {**CONFIG, "input_guardrails": [{"acme.polite": {}, "acme.calm": {}}]}
    here("router.json", json.dumps(config))
    options = [f"--checks=own_guards:{name}" for name in ("CHECKS", "MORE", "AGAIN")]

    assert 0 == main(["validate", *options, "router.json"])


def test_a_module_may_be_in_a_package(here, capsys):
    """Its name has dots then."""
    here("own_package/__init__.py", "")
    here("own_package/guards.py", GUARDS)

    assert 0 == main(["validate", "--checks", "own_package.guards:CHECKS", "router.json"])


def test_modules_are_found_in_the_current_directory(here):
    """As `python -m` finds them."""
    options = ["--checks", "own_guards:CHECKS", "router.json"]
    command = [sys.executable, "-W", "error", "-m", "llmroute", "validate", *options]

    done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=60)

    assert (0, "router.json: valid\n", "") == (done.returncode, done.stdout, done.stderr)


def test_an_installed_script_looks_into_the_current_directory(here, monkeypatch: pytest.MonkeyPatch, capsys):
    """Python itself looks only into the script's own."""
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry not in ("", os.getcwd())])

    assert 0 == main(["validate", "--checks", "own_guards:CHECKS", "router.json"])


def test_a_python_told_to_be_careful_does_not_look_there(here):
    """`python -P` keeps the current directory out, here as for `-m`."""
    script = "import llmroute.cli as c, sys; sys.exit(c.main())"
    command = [sys.executable, "-P", "-c", script, "validate", "--checks", "own_guards:CHECKS", "router.json"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}

    done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=60, env=environment)

    assert 2 == done.returncode
    assert "there is no module own_guards" in done.stderr


# -- what goes wrong -------------------------------------------------------------------------------

WRONG = {
    "no colon": ("own_guards", "expected MODULE:NAME, such as acme.guards:CHECKS"),
    "no module": (":CHECKS", "expected MODULE:NAME, such as acme.guards:CHECKS"),
    "no name": ("own_guards:", "expected MODULE:NAME, such as acme.guards:CHECKS"),
    "a relative module": (".own_guards:CHECKS", "expected MODULE:NAME, such as acme.guards:CHECKS"),
    "a module that is not there": (
        "own_gaurds:CHECKS",
        "there is no module own_gaurds; run the command in the directory that holds it, or add that to PYTHONPATH",
    ),
    "a package that is not there": (
        "own_nothing.guards:CHECKS",
        "there is no module own_nothing.guards; "
        "run the command in the directory that holds it, or add that to PYTHONPATH",
    ),
    "a file": (
        "own_guards.py:CHECKS",
        "expected a module's name, not its file's, such as acme.guards for acme/guards.py",
    ),
    "a file by its path": (
        "/srv/own_guards.py:CHECKS",
        "expected a module's name, not its file's, such as acme.guards for acme/guards.py",
    ),
    "a near miss": ("own_guards:CHECK", "the module has no CHECK, did you mean 'CHECKS'?"),
    "another name": (
        "own_guards:zzz",
        "the module has no zzz; name a mapping that it defines, "
        'such as CHECKS = {"acme.no_secrets": no_secrets}',
    ),
    "a function": (
        "own_guards:polite",
        "expected a mapping of check ids to functions, "
        'such as {"acme.no_secrets": no_secrets}, got a function',
    ),
    "a list": (
        "own_guards:LISTED",
        'expected a mapping of check ids to functions, such as {"acme.no_secrets": no_secrets}, got a list',
    ),
    "an object of a class": (
        "own_guards:EVENTS",
        'expected a mapping of check ids to functions, such as {"acme.no_secrets": no_secrets}, got an Event',
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_option_is_told_with_its_remedy(case, refused):
    """One line: the option as it was given, what is wrong, what would be right."""
    given, expected = WRONG[case]

    assert f"--checks {given}: {expected}" == refused("--checks", given)


RAISING = {
    "an error of its own": (f"raise RuntimeError('{SECRET}')", "RuntimeError"),
    "a syntax error": (f"key = '{SECRET}", "SyntaxError"),
    "a file that it cannot read": (f"open('/nowhere/{SECRET}')", "FileNotFoundError"),
    "an end of the process": (f"raise SystemExit('{SECRET}')", "SystemExit"),
    "a module that it lacks": ("import own_missing", "ModuleNotFoundError"),
    "no error at all": (f"class Stop(BaseException): pass\nraise Stop('{SECRET}')", "Stop"),
}


@pytest.mark.parametrize("case", RAISING)
def test_a_module_that_cannot_be_imported_is_told_by_the_errors_type(case, here, refused):
    """The error's text may hold anything, so it stays unsaid; a command that shows all of it is named."""
    source, name = RAISING[case]
    here("own_broken.py", source)

    told = refused("--checks", "own_broken:CHECKS")

    assert (
        f"--checks own_broken:CHECKS: importing own_broken raised {name}; "
        "`python -c 'import own_broken'` tells more"
    ) == told


def test_a_name_that_cannot_be_read_is_told_by_the_errors_type(here, refused):
    """Modules may make their members when they are asked for."""
    here("own_lazy.py", f"def __getattr__(name): raise OSError('{SECRET}')")

    told = refused("--checks", "own_lazy:CHECKS")

    assert "--checks own_lazy:CHECKS: reading CHECKS from it raised OSError; repair the module" == told


def test_ctrl_c_during_the_import_is_no_mistake_of_the_module(here, capsys):
    """The command ends as it does at any other moment."""
    here("own_slow.py", "raise KeyboardInterrupt")

    assert 130 == main(["validate", "--checks", "own_slow:CHECKS", "router.json"])
    assert "llmroute: interrupted\n" == capsys.readouterr().err


def test_an_id_belongs_to_one_function(refused):
    """Which of two was meant nobody can tell."""
    told = refused("--checks", "own_guards:CHECKS", "--checks", "own_guards:OTHER")

    assert (
        "--checks own_guards:OTHER: acme.polite stands in another --checks too, with another function; "
        "rename one of them"
    ) == told


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("UNDOTTED", "checks.polite: expected an id of your own with a dot, such as acme.no_secrets"),
        ("UNCALLABLE", "checks.acme.polite: expected a function that takes a HookContext, got text 'polite'"),
    ],
)
@pytest.mark.parametrize("command", [["explain", "--config"], ["validate"]])
def test_a_wrong_check_is_the_options_fault(command, name, expected, here, capsys):
    """The message names the option, not the config."""
    assert 2 == main([*command, "router.json", "--checks", f"own_guards:{name}"])
    assert ("", f"llmroute: error: --checks: {expected}\n") == capsys.readouterr()


def test_a_wrong_named_guardrail_is_told_with_its_own_file(here, capsys):
    """Not with that of the config."""
    here("named.json", json.dumps({"a": {"acme.rude": {}}}))
    files = ["--config", "router.json", "--guardrails", "named.json", "--checks", "own_guards:CHECKS"]

    assert 2 == main(["check", *files, "--text", "please"])
    assert "llmroute: error: named.json: guardrails.a.acme.rude: unknown check 'acme.rude'" in (
        capsys.readouterr().err
    )


def test_the_help_of_every_command_that_reads_a_config_has_the_option(capsys):
    """Those that do not need it have not."""
    for command in ("chat", "explain", "check", "validate", "demo"):
        with pytest.raises(SystemExit):
            main([command, "--help"])
        assert (command != "demo") == ("--checks MODULE:NAME" in capsys.readouterr().out)
