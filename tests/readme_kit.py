"""Reads the README: its code blocks, and the parts of it that are written from tables.

    python tests/readme_kit.py

writes the list of providers anew.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from llmroute.providers.capabilities import Capabilities

README = Path(__file__).parent.parent / "README.md"

_FENCE = re.compile(r"^```(\w+)([^\n`]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@attrs.frozen
class Block:
    """A fenced code block: its language, the words behind it ("no-run", "file=NAME") and its first line."""

    language: str
    words: tuple[str, ...]
    code: str = attrs.field(repr=False)
    line: int

    @property
    def file(self) -> str | None:
        """The name under which other blocks know this one."""
        return next((word[5:] for word in self.words if word.startswith("file=")), None)


def blocks(text: str, *languages: str) -> list[Block]:
    """The blocks in these languages, in order."""
    return [
        Block(match[1], tuple(match[2].split()), match[3], text.count("\n", 0, match.start()) + 2)
        for match in _FENCE.finditer(text)
        if match[1] in languages
    ]


def part(text: str, name: str) -> str:
    """What stands between `<!-- name... -->` and `<!-- /name -->`. Raises ValueError."""
    match = re.search(_between(name), text, re.DOTALL)
    if match is None:
        raise ValueError(f"the README has no part {name!r}")
    return match[2]


def with_part(text: str, name: str, content: str) -> str:
    """The text with another content of that part."""
    return re.sub(_between(name), lambda match: match[1] + content + match[3], text, flags=re.DOTALL)


def _between(name: str) -> str:
    return rf"(<!-- {re.escape(name)}(?:: [^>]*)? -->\n)(.*?)(<!-- /{re.escape(name)} -->)"


def names_in_first_column(table: str) -> set[str]:
    """The words in code quotes of the first column of a Markdown table."""
    rows = [line for line in table.splitlines() if line.startswith("| `")]
    return {name for row in rows for name in re.findall(r"`([^`]+)`", row.split(" | ")[0])}


@attrs.frozen
class Provider:
    """A row of the list of providers."""

    name: str
    url: str
    variables: Sequence[str]
    key_optional: bool
    remark: str
    takes: Capabilities


def providers_table(providers: Iterable[Provider]) -> str:
    """The list of providers as Markdown."""
    rows = ["| " + " | ".join(_cells(it)) + " |" for it in providers]
    rule = "|---" * len(_COLUMNS) + "|"
    return "\n".join(["| " + " | ".join(_COLUMNS) + " |", rule, *rows, ""]).replace("  |", " |")


_COLUMNS = (
    "Provider", "Base URL", "Auth", "Variables", "Tools", "Images", "JSON schema", "Reasoning", "Stream", "Remark",
)  # fmt: skip


def _cells(it: Provider) -> tuple[str, ...]:
    url, takes = it.url or "see the remark", it.takes
    said = (takes.tools, takes.images, takes.json_schema, takes.reasoning, takes.stream)
    auth = "key, or none" if it.key_optional and takes.auth == "key" else takes.auth
    return f"`{it.name}`", url, auth, _variables(it), *said, it.remark


def _variables(provider: Provider) -> str:
    return ", ".join(f"`{name}`" for name in (*provider.variables, *provider.takes.variables))


def known_providers() -> list[Provider]:
    """The providers that llmroute serves."""
    from llmroute.providers import registry
    from llmroute.providers.capabilities import capabilities_of
    from llmroute.providers.catalogue import ROWS

    def provider(name: str) -> Provider:
        row = ROWS.get(name)
        url, remark = (row.base_url or "", row.status) if row is not None else ("", "")
        if name in registry.ADAPTERS:
            url, remark = url or "its own", "has an adapter of its own"
        variables, optional = registry.env_names(name), registry.key_optional(name)
        return Provider(name, url, variables, optional, remark, capabilities_of(name))

    return [provider(name) for name in registry.known_providers()]


if __name__ == "__main__":
    README.write_text(
        with_part(README.read_text("utf-8"), "providers", providers_table(known_providers())), "utf-8"
    )
