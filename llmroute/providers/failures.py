"""What a provider's error answer says, whatever style it is written in."""

from __future__ import annotations

import unicodedata
from typing import Any, Final, Literal, NamedTuple

import attrs

from ..outcome import Failure
from ..wire.json import JSONError, dumps, loads
from ..wire.message import WireReply
from .base import DecodeError, ReplyError
from .reasons import reason_of

#: Most of an upstream's text that is ever quoted, in bytes of UTF-8.
QUOTE_BYTES: Final = 2048
#: Members of an answer that only the router may write.
RESERVED: Final = ("hook_results", "route")
#: Choices and tool calls have indices below this.
MAX_INDEX: Final = 1024

_LABEL_BYTES: Final = 256
_MAX_ITEMS: Final = 20
_MAX_LEVELS: Final = 4
#: The members of an error object that hold its text, the usual one first.
_TEXT_MEMBERS: Final = (
    "message",
    "Message",
    "msg",
    "text",
    "detail",
    "description",
    "error",
    "reason",
    "title",
)
_BEARER: Final = "bearer "


@attrs.frozen
class ErrorStyle:
    """Where a provider's recorded error objects differ from the plain reading.

    `numbers`: a numeric code stays a number ("keep") or becomes its digits ("text"). `omits`: members
    left out of the error object. `omits_outer`: the same, for errors without an `error` object.
    `status_in`: members that hold the HTTP status as text when the provider gives none. `text_type`:
    the type of an error that is no JSON, whose code is then the status.
    """

    numbers: Literal["keep", "text"] = "keep"
    omits: tuple[str, ...] = ()
    omits_outer: tuple[str, ...] = ()
    status_in: tuple[str, ...] = ()
    text_type: str | None = None


PLAIN: Final = ErrorStyle()
NUMBERS_AS_TEXT: Final = ErrorStyle(numbers="text")


class _Error(NamedTuple):
    message: str
    type: Any = None
    code: Any = None
    param: Any = None
    outer: bool = True


def failure_of(reply: WireReply, provider: str, style: ErrorStyle = PLAIN) -> Failure:
    """The failure (kind "status") that a non-2xx `reply` reports. Never raises.

    `message` starts with "PROVIDER error: " and is never empty; `type`, `code` and `param` are the
    provider's where it has them. `body` is the parsed body. `retry_after` is left to the caller,
    who knows the time.
    """
    try:
        body = _parsed(reply.body)
    except JSONError:
        text = reply.body.decode("utf-8", "replace").strip()
        error = _Error(text, style.text_type, str(reply.status) if style.text_type else None)
        return _failure(error, None, provider, reply.status, style)
    return failure_from(body, provider, reply.status, style)


def failure_from(body: Any, provider: str, status: int = 502, style: ErrorStyle = PLAIN) -> Failure:
    """The failure that a parsed JSON `body` reports: an error inside a 200 or inside a stream."""
    return _failure(_read(body), body, provider, status, style)


def _parsed(data: bytes) -> Any:
    try:
        return loads(data)
    except JSONError:
        # Some servers answer a stream request with the error as an event, whatever the status.
        for line in data[: 16 * QUOTE_BYTES].splitlines():
            if line.startswith(b"data:"):
                return loads(line[5:])
        raise


def _failure(error: _Error, body: Any, provider: str, status: int, style: ErrorStyle) -> Failure:
    text = quoted(error.message) or f"no message (HTTP status {status})"
    omitted = style.omits_outer if error.outer else style.omits

    def member(name: str, value: Any) -> Any:
        label = None if name in omitted else _label(value, style)
        return str(status) if label is None and name in style.status_in else label

    return Failure(
        kind="status",
        message=f"{provider} error: {text}",
        type=member("type", error.type),
        code=member("code", error.code),
        param=member("param", error.param),
        body=without_reserved(body) if isinstance(body, dict) else body,
        reason=reason_of(status, error.type, error.code, error.message, body),
    )


def _label(value: Any, style: ErrorStyle) -> Any:
    """A type, code or param: short text as it is, a number by the style, anything else dropped."""
    if isinstance(value, str):
        return quoted(value, _LABEL_BYTES)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return str(value)[:_LABEL_BYTES] if style.numbers == "text" else value


# -- reading -----------------------------------------------------------------


def _read(body: Any) -> _Error:
    if isinstance(body, list):
        # Google answers stream requests with an array of one error.
        if body and isinstance(body[0], dict):
            return _read_object(body[0])
        return _Error(_text(body))
    return _read_object(body) if isinstance(body, dict) else _Error(_text(body))


def _read_object(body: dict[str, Any]) -> _Error:
    error = body.get("error")
    if isinstance(error, dict) and error:
        # Google names the class of the error in `status`, where Azure repeats the number.
        status = error.get("status")
        kind = error.get("type") or (status if isinstance(status, str) else None)
        return _Error(_text(error), kind, error.get("code"), error.get("param"), outer=False)
    if isinstance(error, list) and len(error) == 1 and isinstance(error[0], dict):
        return _read_object({"error": error[0]})
    if error:
        description = body.get("error_description")
        text = f"{_text(error)}: {description}" if isinstance(description, str) else _text(error)
        return _outer(body, text)
    for read in (_message, _fault, _detail, _errors):
        found = read(body)
        if found is not None and found.message:
            return found
    return _Error(_text(body) if any(body.values()) else "")


def _outer(body: dict[str, Any], text: str) -> _Error:
    return _Error(text, body.get("type"), body.get("code"), body.get("param"))


def _message(body: dict[str, Any]) -> _Error | None:
    message = body.get("message") or body.get("Message")
    if not message:
        return None
    aws = body.get("__type")
    if isinstance(aws, str):
        # AWS: "com.amazonaws.x#ThrottlingException:http://..."
        return _Error(_text(message), aws.rpartition("#")[2].partition(":")[0], body.get("code"))
    return _outer(body, _text(message))


def _fault(body: dict[str, Any]) -> _Error | None:
    fault = body.get("fault")
    if not isinstance(fault, dict):
        return None
    detail = fault.get("detail")
    code = detail.get("errorcode") if isinstance(detail, dict) else None
    return _Error(_text(fault.get("faultstring") or fault), None, code or fault.get("code"))


def _detail(body: dict[str, Any]) -> _Error | None:
    """FastAPI's `detail` (text, a list of places, an object) and problem+json (RFC 9457)."""
    detail, title = body.get("detail"), body.get("title")
    if isinstance(detail, list):
        first = detail[0] if detail and isinstance(detail[0], dict) else {}
        return _Error("; ".join(map(_place, detail[:_MAX_ITEMS])), first.get("type"))
    if isinstance(detail, dict):
        return _read_object(detail) if "error" in detail else _outer(detail, _text(detail))
    texts = [text for text in (title, detail) if isinstance(text, str) and text]
    if not texts:
        return None
    kind = body.get("type")
    return _Error(
        ": ".join(texts), None if kind == "about:blank" else kind, body.get("code"), body.get("param")
    )


def _place(item: Any) -> str:
    """One complaint of FastAPI's: `body.messages.0: field required`."""
    if not isinstance(item, dict) or "msg" not in item:
        return _text(item)
    place = item.get("loc")
    where = ".".join(map(str, place[:_MAX_ITEMS])) if isinstance(place, list) else ""
    return f"{where}: {_text(item['msg'])}" if where else _text(item["msg"])


def _errors(body: dict[str, Any]) -> _Error | None:
    errors = body.get("errors")
    if not errors:
        return None
    if not isinstance(errors, list):
        return _Error(_text(errors))
    return _Error(", ".join(map(_numbered, errors[:_MAX_ITEMS])))


def _numbered(item: Any) -> str:
    """One entry of Cloudflare's `errors`: the code is what their documentation lists."""
    code = item.get("code") if isinstance(item, dict) else None
    return _text(item) if code is None else f"Error {_text(code)}:{_text(item)}"


def _text(value: Any, level: int = 0) -> str:
    """The readable text in any JSON value; the JSON itself where none stands out."""
    if isinstance(value, str):
        return value.strip()
    if value is None or level > _MAX_LEVELS:
        return ""
    if isinstance(value, list):
        return "; ".join(filter(None, (_text(item, level + 1) for item in value[:_MAX_ITEMS])))
    if isinstance(value, dict):
        for name in _TEXT_MEMBERS:
            found = _text(value.get(name), level + 1)
            if found:
                return found
    try:
        return dumps(value).decode("utf-8", "replace")
    except JSONError:
        return "unreadable error"


# -- quoting -----------------------------------------------------------------


def quoted(text: str, limit: int = QUOTE_BYTES) -> str:
    """Upstream's `text` fit for a log line: at most `limit` bytes, nothing unprintable, no bearer token.

    Line ends, escape sequences, direction marks and lone surrogates are written as escapes.
    """
    text = text[:limit]
    if not text.isprintable():
        text = "".join(c if c.isprintable() else _escaped(c) for c in text)
    if _BEARER in text.lower():
        text = _masked(text)
    data = text.encode("utf-8", "backslashreplace")
    return text if len(data) <= limit else data[:limit].decode("utf-8", "ignore")


def _escaped(character: str) -> str:
    if unicodedata.category(character) == "Zs":  # no-break and ideographic spaces
        return character
    return character.encode("unicode_escape").decode("ascii")


def _masked(text: str) -> str:
    """`text` with what follows the word "Bearer" blanked: some servers echo the Authorization header."""
    words = text.split(" ")
    for i in range(1, len(words)):
        if words[i - 1].lower().endswith("bearer") and len(words[i]) > 3:
            words[i] = "***"
    return " ".join(words)


# -- completions -------------------------------------------------------------


def without_reserved(body: dict[str, Any]) -> dict[str, Any]:
    """`body`, cut in place, without the members that only the router may write."""
    for name in RESERVED:
        body.pop(name, None)
    return body


def completion_problem(body: Any) -> str | None:
    """Why parsed JSON is no usable OpenAI completion; None when it is one.

    Asked for: an object with a non-empty list `choices` of objects that each have an object
    `message`, and indices from 0 to 1023 where they are given. Everything else may be missing.
    """
    if not isinstance(body, dict):
        return f"a JSON object was expected, not {_kind(body)}"
    choices = body.get("choices")
    if not isinstance(choices, list):
        return f"choices: a list was expected, not {_kind(choices)}"
    if not 0 < len(choices) <= MAX_INDEX:
        return f"choices: {len(choices)} of them"
    for position, choice in enumerate(choices):
        if not isinstance(choice, dict):
            return f"choices[{position}]: an object was expected, not {_kind(choice)}"
        if not isinstance(choice.get("message"), dict):
            return f"choices[{position}].message: an object was expected, not {_kind(choice.get('message'))}"
        if "index" in choice and not is_index(choice["index"]):
            return f"choices[{position}].index: an integer from 0 to {MAX_INDEX - 1} was expected"
    return None


def is_index(value: Any) -> bool:
    """An integer from 0 to 1023."""
    return type(value) is int and 0 <= value < MAX_INDEX


def _kind(value: Any) -> str:
    if value is None:
        return "null or nothing"
    if isinstance(value, bool):
        return "a boolean"
    names = {str: "a text", int: "a number", float: "a number", list: "a list", dict: "an object"}
    return names.get(type(value), "another value")


def parsed_reply(reply: WireReply, provider: str) -> Any:
    """The JSON of a 2xx answer, whatever its content type says. Raises DecodeError when it is none."""
    try:
        return loads(reply.body)
    except JSONError as problem:
        start = quoted(reply.body[:256].decode("utf-8", "replace").strip(), 200)
        told = f"; it starts with: {start}" if start else " (empty body)"
        raise DecodeError(
            f"{provider} answered {reply.status} without usable JSON: {problem}{told}"
        ) from None


def checked_completion(body: Any, provider: str, style: ErrorStyle = PLAIN) -> dict[str, Any]:
    """`body`, when it is a usable completion.

    Raises ReplyError for an error without choices, DecodeError for anything else.
    """
    problem = completion_problem(body)
    if problem is None:
        checked: dict[str, Any] = body
        return checked
    first = body[0] if isinstance(body, list) and body else body
    if isinstance(first, dict) and reports_error(first) and not first.get("choices"):
        raise ReplyError(failure_from(body, provider, 502, style))
    said = quoted(_read(body).message, _LABEL_BYTES)
    raise DecodeError(f"{provider} answered with something that is no completion ({problem}): {said}")


def reports_error(body: dict[str, Any]) -> bool:
    """Whether a JSON object is an error, whatever the status it came with."""
    # vLLM and Mistral write {"object": "error", "message": ...} where others have an `error`.
    return bool(body.get("error")) or body.get("object") == "error"
