"""`llmroute check`: what the guardrails of a config say about a text."""

from __future__ import annotations

import argparse
import asyncio
import json

from .. import Router
from ..trial import Trial, try_text
from .console import (
    GREEN,
    RED,
    YELLOW,
    Console,
    UsageError,
    named_providers,
    read_file,
    read_json,
    read_stdin,
)
from .imported import imported_checks

_STYLES = {"pass": GREEN, "fail": YELLOW, "deny": RED}
_MEANINGS = {"pass": "passes", "fail": "fails, the answer would be a 246", "deny": "denied, a 446"}


def run_check(args: argparse.Namespace, console: Console) -> int:
    """Print the verdicts; 1 when the text is denied. Raises ConfigError and UsageError."""
    guardrails = read_json(read_file(args.guardrails), args.guardrails) if args.guardrails else None
    router = Router(
        read_file(args.config),
        unknown=args.unknown,
        providers=named_providers(args.providers),
        checks=imported_checks(args.checks),
        guardrails=guardrails,
    )
    text = read_stdin().decode("utf-8", "replace") if args.text == "-" else args.text
    metadata = read_json(args.metadata, "--metadata") if args.metadata else {}
    trials = asyncio.run(_tried(router, text, args.side, metadata))
    if not trials:
        raise UsageError(f"{args.config}: has no {args.side} guardrails")
    if args.json:
        console.write(json.dumps([trial.to_dict() for trial in trials], indent=2) + "\n")
    else:
        for trial in trials:
            _print(trial, text, console)
    return 1 if any(trial.effect == "deny" for trial in trials) else 0


async def _tried(router: Router, text: str, side: str, metadata: dict[str, object]) -> list[Trial]:
    async with router:
        plan = router._plan()
        assert plan is not None
        env = router._core.env
        return await try_text(plan, env, text, "output" if side == "output" else "input", metadata)


def _print(trial: Trial, text: str, console: Console) -> None:
    console.line(f"{', '.join(trial.targets)}: {_MEANINGS[trial.effect]}", _STYLES[trial.effect])
    for hook in trial.results:
        verdict = "pass" if hook["verdict"] else "deny" if hook["deny"] else "fail"
        console.line(f"  {hook['type']} {hook['id']}: {verdict}", _STYLES[verdict])
        for check in hook["checks"]:
            console.line(f"    {check['id']}: {_verdict(check)}")
    if trial.text != text:
        console.line(f"  becomes: {trial.text}")


def _verdict(check: dict[str, object]) -> str:
    data, error = check.get("data"), check.get("error")
    if isinstance(error, dict):
        return f"{'nothing to judge' if check.get('skipped') else 'could not judge'}: {error['message']}"
    explanation = data.get("explanation") if isinstance(data, dict) else None
    said = "pass" if check["verdict"] else "fail"
    return f"{said}: {explanation}" if isinstance(explanation, str) else said
