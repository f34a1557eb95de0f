"""What is wrong with a config: collected to the end, but never without bound."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

from ..errors import ConfigError, Problem
from .primitives import did_you_mean, looks_secret, printable

#: Problems told of one config; who has more will look again anyway.
MAX_PROBLEMS = 100
#: Looking for near words takes up to a millisecond each.
MAX_HINTS = 10
_MAX_KNOWN = 200
#: How much of a very deep path is shown.
MAX_SHOWN_DEPTH = 12


class Findings:
    """Problems in the order in which they were found."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self._hints = 0

    @property
    def full(self) -> bool:
        """Whether there is no use in looking on."""
        return len(self.problems) >= MAX_PROBLEMS

    def report(self, path: str, message: str) -> None:
        """Note a problem once; beyond MAX_PROBLEMS they are only known to exist."""
        problem = Problem(path, message)
        if len(self.problems) < MAX_PROBLEMS and problem not in self.problems:
            self.problems.append(problem)

    def hint(self, word: str, known: Iterable[str]) -> str:
        """The words ", did you mean 'x'?" with the nearest known word, or nothing."""
        self._hints += 1
        return did_you_mean(word, list(islice(known, _MAX_KNOWN))) if self._hints <= MAX_HINTS else ""

    def error(self) -> ConfigError:
        """All of them as one error."""
        problems = self.problems
        if self.full:
            problems = [*problems, Problem("config", f"only the first {MAX_PROBLEMS} problems are listed")]
        return ConfigError(problems)


def path_text(parts: Iterable[str | int]) -> str:
    """`.targets[1].weight`; what could be a key is masked, control characters are escaped."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{_name(part)}" for part in parts)


def _name(part: str) -> str:
    if looks_secret(part):
        return "***"
    return printable(part if len(part) <= 60 else part[:57] + "...")
