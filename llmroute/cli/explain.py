"""`llmroute explain`: what a call would do."""

from __future__ import annotations

import argparse
import json
from typing import Any

from .. import BadRequestError, Router
from .console import Console, UsageError, named_providers, read_file, read_json, read_stdin
from .imported import imported_checks


def run_explain(args: argparse.Namespace, console: Console) -> int:
    """Print the explanation. Raises ConfigError and UsageError."""
    router = Router(
        read_file(args.config),
        unknown=args.unknown,
        providers=named_providers(args.providers),
        checks=imported_checks(args.checks),
    )
    metadata = read_json(args.metadata, "--metadata") if args.metadata else {}
    try:
        explanation = router.explain(_body(args), metadata)
    except BadRequestError as error:
        raise UsageError(f"--body: {error.message}") from None
    if args.json:
        console.write(json.dumps(explanation.to_dict(), indent=2) + "\n")
    else:
        console.line(str(explanation))
    return 0


def _body(args: argparse.Namespace) -> dict[str, Any]:
    """The request's body; the conversation hardly matters here, so it may be left out."""
    body: dict[str, Any] = {"messages": []}
    if args.body == "@-":
        body |= read_json(read_stdin(), "standard input")
    elif args.body and args.body.startswith("@"):
        body |= read_json(read_file(args.body[1:]), args.body[1:])
    elif args.body:
        body |= read_json(args.body, "--body")
    return {**body, "model": args.model} if args.model else body
