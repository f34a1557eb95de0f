"""Takes the credentials of a request out of what the upstream answers: some echo the key they got."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import attrs

from ..outcome import Failure
from ..secret import MASK
from ..wire.json import JSONError, dumps, dumps_parsed, loads

_SECRET_HEADER = re.compile(r"auth|key|token|secret|cookie|signature|credential", re.IGNORECASE)
#: Shorter values are placeholders ("none", "ollama") that stand in ordinary texts as well.
_SHORTEST = 8


class Scrubber:
    """Masks the values of the credential headers of one request, with and without their scheme."""

    __slots__ = ("_secrets",)

    def __init__(self, headers: Mapping[str, str]) -> None:
        values = [value for name, value in headers.items() if _SECRET_HEADER.search(name)]
        parts = {
            part for value in values for part in (value, value.partition(" ")[2]) if len(part) >= _SHORTEST
        }
        # The longest first: a scheme and its key before the key alone.
        self._secrets = sorted(parts, key=len, reverse=True)

    def text(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, MASK)
        return text

    def data(self, data: bytes) -> bytes:
        """For bodies that are cut or quoted afterwards, which may leave half a key."""
        for secret in self._secrets:
            data = data.replace(secret.encode("utf-8", "surrogatepass"), MASK.encode())
        return data

    def failure(self, failure: Failure) -> Failure:
        """The failure with every text of it masked; the same one where there is nothing to mask."""
        changes: dict[str, Any] = {
            name: masked
            for name in ("message", "type", "code", "param")
            if isinstance(text := getattr(failure, name), str) and (masked := self.text(text)) != text
        }
        if failure.body is not None and (body := self._body(failure.body)) is not failure.body:
            changes["body"] = body
        return attrs.evolve(failure, **changes) if changes else failure

    def headers(self, headers: Mapping[str, str]) -> Mapping[str, str]:
        """Answer headers; the same mapping where there is nothing to mask."""
        if not any(secret in value for value in headers.values() for secret in self._secrets):
            return headers
        return {name.lower(): self.text(value) for name, value in headers.items()}

    def _body(self, body: Any) -> Any:
        """JSON is masked as text, so that neither depth nor the names of members are a way out."""
        try:
            data = dumps_parsed(body)
            masked = data
            for secret in self._secrets:
                masked = masked.replace(dumps(secret)[1:-1], MASK.encode())
            return body if masked == data else loads(masked)
        except JSONError:
            return None
