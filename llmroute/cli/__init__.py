"""The command line: `python -m llmroute demo | chat | check | explain | validate`."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Sequence
from contextlib import suppress

from .. import ConfigError, LLMRouteError, Problem, __version__
from .console import Console, UsageError

#: Exit statuses: the command failed, it was called wrongly (or with a wrong config), Ctrl-C, a closed pipe.
FAILED, USAGE, INTERRUPTED, PIPE_CLOSED = 1, 2, 130, 141

_EPILOG = """\
examples:
  llmroute demo
  llmroute chat --config router.json "Capital of France?"
  llmroute explain --config router.json --metadata '{"tier": "pro"}'
  llmroute validate router.json other.json

Keys are read from the usual variables (OPENAI_API_KEY, ANTHROPIC_API_KEY, GEMINI_API_KEY, ...)
unless the config gives them. `llmroute COMMAND --help` tells more about a command.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status.

    0; 1 when it failed; 2 for wrong usage or a wrong config; 130 after Ctrl-C; 141 when the reader of the
    output has gone. Raises SystemExit for `--help`, `--version` and what argparse refuses (status 2).
    """
    parser = _parser()
    args = parser.parse_args(argv)
    console = Console(sys.stdout, sys.stderr)
    if args.command is None:
        parser.print_help(sys.stderr)
        return USAGE
    try:
        status = _run(args, console)
        console.flush()
    except OSError as error:
        _discard_output()
        if isinstance(error, BrokenPipeError):
            return PIPE_CLOSED  # whoever read the output has gone (`| head`)
        console.error(error.strerror or type(error).__name__)
        return FAILED
    except KeyboardInterrupt:
        with suppress(OSError):
            console.note("interrupted")
        _discard_output()
        return INTERRUPTED
    return status


def _discard_output() -> None:
    """What is left in the buffer must not fail again when the interpreter ends."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _run(args: argparse.Namespace, console: Console) -> int:
    try:
        return _command(args, console)
    except UsageError as error:
        console.error(str(error))
        return USAGE
    except ConfigError as error:
        for problem in error.problems:
            source = _source(problem, args)
            console.error(f"{source}: {problem}" if source else str(problem))
        return USAGE
    except LLMRouteError as error:
        console.error(str(error))
        return FAILED


def _source(problem: Problem, args: argparse.Namespace) -> str | None:
    """The file or the option that a problem is about."""
    options: dict[str, str | None] = vars(args)
    beside = {
        "providers": options.get("providers"),
        "guardrails": options.get("guardrails"),
        "checks": "--checks",
    }
    return beside.get(re.split(r"[.\[]", problem.path)[0], options.get("config"))


def _command(args: argparse.Namespace, console: Console) -> int:
    # Imported here: the demo alone needs a web server, and `validate` should start at once.
    if args.command == "demo":
        from .demo import run_demo

        return run_demo(console)
    if args.command == "chat":
        from .chat import run_chat

        return run_chat(args, console)
    if args.command == "explain":
        from .explain import run_explain

        return run_explain(args, console)
    if args.command == "check":
        from .check import run_check

        return run_check(args, console)
    from .validate import run_validate

    return run_validate(args, console)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="llmroute",
        description="Route chat completions as a config says, from the command line.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"llmroute {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    reading = _reading_options()
    commands.add_parser(
        "demo",
        help="show a retry, a fallback, a tool call and a stream, offline",
        description="Offline and without keys: starts a fake provider on a loopback port and routes calls "
        "through it. Shows a retry, a fallback from OpenAI's format to Anthropic's, a tool call, a stream.",
    )
    _add_chat(commands, reading)
    _add_explain(commands, reading)
    _add_check(commands, reading)
    _add_validate(commands, reading)
    return parser


def _reading_options() -> argparse.ArgumentParser:
    """Options of every command that reads a config."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument(
        "--providers", metavar="FILE", help='named providers as JSON, for "provider": "@name" in the config'
    )
    parser.add_argument(
        "--checks",
        metavar="MODULE:NAME",
        action="append",
        default=[],
        help="checks of your own: a mapping of ids to functions, imported from a module; may be given again",
    )
    parser.add_argument(
        "--unknown",
        choices=("error", "warn"),
        default="error",
        help="what an unknown member of the config is (default: error)",
    )
    return parser


def _add_chat(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], reading: argparse.ArgumentParser
) -> None:
    parser = commands.add_parser(
        "chat",
        parents=[reading],
        help="send one message and print the answer",
        description="Sends one message and prints the answer as it arrives. "
        "Exit status 1 when no target answered.",
    )
    parser.add_argument("text", metavar="TEXT", help='the message; "-" reads it from standard input')
    parser.add_argument("--config", metavar="FILE", required=True, help="the router's config, a JSON file")
    parser.add_argument("--model", help="the model to ask for, where the config names none")
    parser.add_argument("--system", metavar="TEXT", help="a system message")
    parser.add_argument("--metadata", metavar="JSON", help="routing metadata, for conditions")
    parser.add_argument("--no-stream", action="store_true", help="wait for the whole answer")
    parser.add_argument("--route", action="store_true", help="tell every attempt on standard error")


def _add_explain(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], reading: argparse.ArgumentParser
) -> None:
    parser = commands.add_parser(
        "explain",
        parents=[reading],
        help="tell what a call would do, without making it",
        description="Tells which targets a call would try, in which order and why. Nothing is sent.",
    )
    parser.add_argument("--config", metavar="FILE", required=True, help="the router's config, a JSON file")
    parser.add_argument(
        "--body", metavar="JSON", help="the request's body: JSON, @FILE or @- (standard input)"
    )
    parser.add_argument("--model", help="the model the request asks for; short for a body with just that")
    parser.add_argument("--metadata", metavar="JSON", help="routing metadata, for conditions")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a tree")


def _add_check(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], reading: argparse.ArgumentParser
) -> None:
    parser = commands.add_parser(
        "check",
        parents=[reading],
        help="run the guardrails of a config on a text",
        description="Runs the guardrails and mutators of a config on a text and prints their verdicts. "
        "No provider is called, but checks that ask a service do. Exit status 1 when the text is denied.",
    )
    parser.add_argument("--config", metavar="FILE", required=True, help="the router's config, a JSON file")
    parser.add_argument("--text", required=True, help='the text; "-" reads it from standard input')
    parser.add_argument("--side", choices=("input", "output"), default="input", help="default: input")
    parser.add_argument("--guardrails", metavar="FILE", help="named guardrails as JSON")
    parser.add_argument("--metadata", metavar="JSON", help="routing metadata, for checks that look at it")
    parser.add_argument("--json", action="store_true", help="print JSON instead of lines")


def _add_validate(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], reading: argparse.ArgumentParser
) -> None:
    parser = commands.add_parser(
        "validate",
        parents=[reading],
        help="check config files",
        description="Checks config files and prints every problem as FILE: PATH: MESSAGE. "
        "Exit status 1 when there is one.",
    )
    parser.add_argument("files", metavar="FILE", nargs="*", help='a config, JSON; "-" reads standard input')
    parser.add_argument("--require-keys", action="store_true", help="also check that every target has a key")
    parser.add_argument("--json", action="store_true", help="print JSON instead of lines")
    parser.add_argument("--schema", action="store_true", help="print the JSON Schema of the config and stop")
