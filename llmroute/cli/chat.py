"""`llmroute chat`: one message in, one answer out."""

from __future__ import annotations

import argparse
import asyncio
from typing import Any

from .. import APIError, APIStatusError, ChatCompletion, Router
from ..types.chat import ToolCall
from .console import Console, UsageError, named_providers, read_file, read_json, read_stdin
from .imported import imported_checks
from .routes import route_lines


def run_chat(args: argparse.Namespace, console: Console) -> int:
    """Send the message and print the answer. Raises ConfigError and UsageError."""
    router = Router(
        read_file(args.config),
        unknown=args.unknown,
        providers=named_providers(args.providers),
        checks=imported_checks(args.checks),
        metadata=read_json(args.metadata, "--metadata") if args.metadata else None,
    )
    for warning in router.warnings:
        console.note(f"warning: {warning}")
    return asyncio.run(_chat(router, _body(args), console, stream=not args.no_stream, route=args.route))


def _body(args: argparse.Namespace) -> dict[str, Any]:
    text = args.text
    if text == "-":
        try:
            text = read_stdin().decode("utf-8")
        except UnicodeDecodeError:
            raise UsageError("standard input is not UTF-8 text") from None
    if not text.strip():
        raise UsageError("there is no message to send")
    messages = [{"role": "user", "content": text}]
    if args.system is not None:
        messages.insert(0, {"role": "system", "content": args.system})
    return {"messages": messages, **({"model": args.model} if args.model else {})}


async def _chat(router: Router, body: dict[str, Any], console: Console, *, stream: bool, route: bool) -> int:
    async with router:
        try:
            completion = await (_streamed if stream else _whole)(router, body, console)
        except APIError as error:
            text = _with_hint(error)
            if route and error.route is not None:
                console.aside("\n".join(route_lines(error.route)))
                text = text.partition("\n")[0]  # the lines behind it list the attempts again
            console.error(text)
            return 1
    for remark in _remarks(completion):
        console.note(remark)
    if route:
        console.aside("\n".join(route_lines(completion.route)))
    return 0


async def _whole(router: Router, body: dict[str, Any], console: Console) -> ChatCompletion:
    completion: ChatCompletion = await router.chat.completions.create(**body)
    text = completion.choices[0].message.content
    if text:
        console.write(f"{text}\n")
    return completion


async def _streamed(router: Router, body: dict[str, Any], console: Console) -> ChatCompletion:
    last = "\n"
    async with await router.chat.completions.create(**body, stream=True) as stream:
        try:
            async for chunk in stream:
                text = "".join(choice.delta.content or "" for choice in chunk.choices if choice.index == 0)
                if text:
                    console.write(text)
                    last = text[-1]
        finally:
            if last != "\n":
                console.write("\n")
        completion: ChatCompletion = await stream.final()
    return completion


def _remarks(completion: ChatCompletion) -> list[str]:
    """What the printed text does not tell."""
    choice = completion.choices[0]
    remarks = []
    if choice.message.refusal:
        remarks.append(f"the model refused: {choice.message.refusal}")
    calls = [call.function for call in choice.message.tool_calls or () if isinstance(call, ToolCall)]
    remarks += [f"the model calls {function.name}({function.arguments})" for function in calls]
    if choice.finish_reason not in ("stop", "tool_calls"):
        remarks.append(f"the answer ended with finish reason {choice.finish_reason!r}")
    remarks += [f"warning: {text}" for text in completion.route.warnings]
    return remarks


def _with_hint(error: APIError) -> str:
    if isinstance(error, APIStatusError) and error.code == "missing_model":
        return f"{error.message}: add --model, or override_params.model in the config"
    return error.message
