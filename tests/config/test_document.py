"""Config: what it keeps, what it is named by, and where it is read from."""

from __future__ import annotations

import copy
import json
import pickle
import re
from collections import ChainMap
from pathlib import Path
from typing import Any

import pytest
from config_kit import FULL, SECRET

from llmroute import Config, ConfigError, Router
from llmroute.config.document import naming_file
from llmroute.secret import Secret

OPENAI = {"provider": "openai", "api_key": "k"}


def digest(source: Any, **options: Any) -> str:
    return Config(source, **options).digest


@pytest.mark.parametrize(
    "same",
    [
        dict(reversed(FULL.items())),
        json.dumps(FULL),
        json.dumps(FULL, indent=2).encode(),
        ChainMap(FULL),
    ],
    ids=["order", "text", "bytes", "mapping"],
)
def test_equal_configs_have_equal_digests(same):
    """However they are written."""
    assert digest(FULL) == digest(same)


def test_different_configs_have_different_digests():
    """By content, by key, by function, and by trust."""

    def one() -> str:
        return "k"

    def two() -> str:
        return "k"

    digests = [
        digest(OPENAI),
        digest(OPENAI, trusted=False),
        digest({**OPENAI, "api_key": "l"}),
        digest({**OPENAI, "api_key": Secret("k")}),
        digest({**OPENAI, "api_key": Secret("l")}),
        digest({**OPENAI, "api_key": one}),
        digest({**OPENAI, "api_key": two}),
        digest({**OPENAI, "name": "é"}),
        digest({**OPENAI, "override_params": {"seed": 2**70}}),
        digest({**OPENAI, "override_params": {"seed": 2**71}}),
    ]

    assert len(digests) == len(set(digests))


def test_a_config_does_not_change_with_its_source():
    """Neither its digest nor what it says."""
    source: dict[str, Any] = {**OPENAI, "override_params": {"stop": ["a"]}}
    config = Config(source)
    before = config.digest
    source["override_params"]["stop"].append("b")
    source["provider"] = "anthropic"

    assert (before, "openai") == (config.digest, config.node.provider)
    assert {"stop": ["a"]} == config.node.override_params
    assert before != digest(source)


def test_a_config_shows_no_secret():
    """Its repr names it and says who is speaking."""
    config = Config({**OPENAI, "api_key": SECRET}, trusted=False)

    assert f"Config(digest={config.digest[:12]!r}, trusted=False)" == repr(config)
    assert SECRET not in repr(config.node)
    with pytest.raises(TypeError):
        pickle.dumps(config)


SILENT: list[dict[str, Any]] = [
    {},
    {"name": "x"},
    {"weight": 1},
    {"metadata": {"a": 1}},
    {"request_timeout": 0},
    {"requestTimeout": 0, "override_params": {}, "$schema": "x", "_note": 1},
]


@pytest.mark.parametrize("source", SILENT, ids=str)
def test_a_config_that_says_nothing_is_none(source):
    """It would be taken for a mistake sooner or later."""
    with pytest.raises(ConfigError, match="config: says nothing: it needs a provider, or a strategy"):
        Config(source)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (None, "config: expected an object or its JSON text, got null"),
        (5, "config: expected an object or its JSON text, got 5"),
        ([], "config: expected an object or its JSON text, got a list"),
        (
            Path("a.json"),
            "config: expected an object or its JSON text, got a file's name; read files with from_file",
        ),
        (
            "conf/a.yaml",
            "config: expected a JSON object, got what looks like a file's name; read files with from_file",
        ),
    ],
    ids=str,
)
def test_what_is_no_config_is_refused(source, expected):
    """Files are read by from_file."""
    with pytest.raises(ConfigError) as caught:
        Config(source)

    assert expected == str(caught.value)


def test_unknown_members_can_be_warnings():
    """They stay with the config."""
    warnings = Config({**OPENAI, "wieght": 1}, unknown="warn").warnings

    assert ["config.wieght: unknown member, did you mean 'weight'?"] == [str(problem) for problem in warnings]
    assert () == Config(OPENAI).warnings


def test_a_file_is_read_as_it_is(tmp_path):
    """By name or Path; its content may be trusted or not."""
    path = tmp_path / "routing.json"
    path.write_text(json.dumps(OPENAI))

    assert digest(OPENAI) == Config.from_file(path).digest == Config.from_file(str(path)).digest
    assert digest(OPENAI, trusted=False) == Config.from_file(path, trusted=False).digest
    assert "openai" == Router.from_file(path).health()[0].provider


def test_a_wrong_file_is_told_apart_from_a_missing_one(tmp_path):
    """ConfigError for the content, OSError for the file."""
    path = tmp_path / "routing.json"
    path.write_text('{"provider": "openai",}')

    with pytest.raises(ConfigError, match="goes wrong at line 1, column"):
        Config.from_file(path)
    with pytest.raises(FileNotFoundError):
        Config.from_file(tmp_path / "nowhere.json")


def test_an_error_in_a_file_names_the_file(tmp_path, monkeypatch):
    """Before every problem, as the caller wrote it; the paths stay those of the config."""
    monkeypatch.chdir(tmp_path)
    Path("routing.json").write_text('{"provider": 1, "weight": "heavy"}')

    with pytest.raises(ConfigError) as caught:
        Config.from_file("routing.json")

    error = caught.value
    assert ["config.provider", "config.weight"] == [problem.path for problem in error.problems]
    assert [f"routing.json: {problem}" for problem in error.problems] == str(error).splitlines()
    assert "routing.json" == error.file


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"provider": "openai",}'])
def test_a_file_without_a_config_is_named_too(text, tmp_path):
    """Whatever stage of the reading refuses it."""
    path = tmp_path / "routing.json"
    path.write_text(text)

    with pytest.raises(ConfigError, match=f"^{re.escape(str(path))}: config: "):
        Config.from_file(path)


def test_an_error_that_names_a_file_travels_whole(tmp_path):
    """Through multiprocessing, celery and concurrent.futures."""
    path = tmp_path / "routing.json"
    path.write_text("{}")
    with pytest.raises(ConfigError) as caught:
        Config.from_file(path)

    error = caught.value
    for arrived in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert (str(error), error.problems, error.file) == (str(arrived), arrived.problems, arrived.file)


def test_a_files_name_cannot_forge_a_line(tmp_path):
    """Its control characters are escaped."""
    path = tmp_path / "a\nb.json"
    path.write_text("{}")

    with pytest.raises(ConfigError) as caught:
        Config.from_file(path)

    assert 1 == len(str(caught.value).splitlines())


def test_an_error_that_is_no_files_names_none():
    """Mappings and texts have no name; nor has what is wrong beside a file."""
    with pytest.raises(ConfigError) as caught:
        Config({})
    with pytest.raises(ConfigError) as beside, naming_file("routing.json"):
        Router(OPENAI, seed="x")

    assert (None, None) == (caught.value.file, beside.value.file)
    assert str(beside.value).startswith("seed: ")


def test_an_untrusted_config_stays_so_in_code():
    """`Config(..., trusted=False)` resolves no variable, whoever hands it over."""
    config = Config({**OPENAI, "api_key": "env:HOME"}, trusted=False)

    with pytest.raises(ConfigError, match=r"config\.api_key: variables of the environment may not be named"):
        Router(config)
    assert Router(Config({**OPENAI, "api_key": "env:HOME"}))
