"""`llmroute validate`: config files checked, every problem on a line of its own."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from .. import Config, ConfigError, Problem, Router
from .console import GREEN, RED, YELLOW, Console, UsageError, named_providers, read_file, read_stdin
from .imported import imported_checks


@attrs.frozen
class Verdict:
    """What is wrong with one file, and what is merely odd."""

    file: str
    problems: Sequence[Problem]
    warnings: Sequence[Problem] = ()

    def to_dict(self) -> dict[str, Any]:
        """The verdict as plain JSON."""
        return {
            "file": self.file,
            "valid": not self.problems,
            "problems": [attrs.asdict(problem) for problem in self.problems],
            "warnings": [attrs.asdict(warning) for warning in self.warnings],
        }


def run_validate(args: argparse.Namespace, console: Console) -> int:
    """Check the files; 1 when one of them has a problem. Raises UsageError.

    ConfigError is raised for `--providers` and `--checks` alone: that of a file is its verdict.
    """
    if args.schema:
        console.write(json.dumps(Config.json_schema(), indent=2) + "\n")
        return 0
    if not args.files:
        raise UsageError("validate needs a FILE, or - for standard input")
    providers = named_providers(args.providers)
    checks = imported_checks(args.checks)
    # Wrong named providers and checks are nobody's file: they end the command here.
    Router(providers=providers, checks=checks)
    verdicts = [_verdict(file, args, providers, checks) for file in args.files]
    if args.json:
        console.write(json.dumps([verdict.to_dict() for verdict in verdicts], indent=2) + "\n")
    else:
        for verdict in verdicts:
            _print(verdict, console)
    return 1 if any(verdict.problems for verdict in verdicts) else 0


def _verdict(
    file: str, args: argparse.Namespace, providers: Mapping[str, Any], checks: Mapping[str, Any]
) -> Verdict:
    name = "standard input" if file == "-" else file
    try:
        data = read_stdin() if file == "-" else read_file(file)
        router = Router(
            data,
            unknown=args.unknown,
            providers=providers,
            checks=checks,
            require_keys=args.require_keys,
        )
    except UsageError as error:
        return Verdict(name, [Problem("file", str(error).removeprefix(f"{file}: "))])
    except ConfigError as error:
        return Verdict(name, error.problems)
    return Verdict(name, [], router.warnings)


def _print(verdict: Verdict, console: Console) -> None:
    for problem in verdict.problems:
        console.line(f"{verdict.file}: {_one_line(problem)}", RED)
    for warning in verdict.warnings:
        console.line(f"{verdict.file}: warning: {_one_line(warning)}", YELLOW)
    if not verdict.problems:
        console.line(f"{verdict.file}: valid", GREEN)


def _one_line(problem: Problem) -> str:
    return str(problem).replace("\n", "\\n")
