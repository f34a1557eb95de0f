"""What the tests of guardrails share: checks of every kind, and routers that run them."""

from __future__ import annotations

import asyncio

from engine_kit import Rig, target

from llmroute.hooks import CheckFailure, Verdict, blocking


def said(text, role="user"):
    """A conversation of one message."""
    return [{"role": role, "content": text}]


def passes(context):
    return True


def fails(context):
    return False


def clean(context):
    """Fails where the text says "secret"."""
    return Verdict("secret" not in context.text, {"text": context.text})


def redact(context):
    """Takes out "secret"."""
    return replaced(context, "secret", "******")


def shout(context):
    body = context.texts.rewritten(str.upper)
    return Verdict(True, **context.changed(body)) if body else Verdict(True)


def replaced(context, old, new):
    body = context.texts.rewritten(lambda text: text.replace(old, new))
    return Verdict(True, **context.changed(body)) if body else Verdict(True)


def crashes(context):
    raise RuntimeError("sk-canary-0123456789 in a message")


async def crashes_later(context):
    await asyncio.sleep(0)
    raise RuntimeError("later")


async def never(context):
    await asyncio.Event().wait()
    return True


async def stubborn(context):
    """Does not let itself be cancelled."""
    done = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_later(0.05, done.set_result, True)
    while True:
        try:
            return bool(await asyncio.shield(done))
        except asyncio.CancelledError:
            continue


async def cancels_itself(context):
    raise asyncio.CancelledError


def errs(context):
    return Verdict(False, error=CheckFailure("no connection", "FetchError"))


def errs_and_passes(context):
    return Verdict(True, error=CheckFailure("no connection"))


def skips(context):
    return Verdict(False, error=CheckFailure("no text"), skipped=True)


def skips_when_empty(context):
    """As the library's own text checks do."""
    return clean(context) if context.text else skips(context)


CHECKS = {
    f"t.{function.__name__}": function
    for function in (
        passes, fails, clean, redact, shout, crashes, crashes_later, never, stubborn, cancels_itself, errs,
        errs_and_passes, skips, skips_when_empty,
    )
}  # fmt: skip
CHECKS["t.blocks"] = blocking(clean)


def guard(*checks, **members):
    """A hook in the short form: `guard("t.clean", deny=True)`."""
    return {**{check: {} for check in checks}, **members}


def guarded(script, /, *, config=None, checks=None, router=None, **members):
    """A Rig whose router knows CHECKS and `checks`.

    `members` make its one target, unless a whole `config` is given; `router` are further arguments
    of the Router.
    """
    made = target(**members) if config is None else config
    return Rig(made, script, checks={**CHECKS, **(checks or {})}, **(router or {}))


def before(found):
    """The results of input hooks, of a hook_results member."""
    return found["before_request_hooks"]


def after(found):
    """The results of output hooks."""
    return found["after_request_hooks"]
