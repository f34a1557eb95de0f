"""Conditional strategies: the names of the targets, and the conditions that lead to them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import Problem
from .conditions import compile_query
from .findings import Findings
from .primitives import quoted
from .schema import ConfigNode, StrategySettings
from .spec import ConditionSpec

#: Of all conditions of a config that came with a request: values, and characters in patterns. Each
#: bound stands for some 50 ms of work.
MAX_UNTRUSTED_VALUES, MAX_UNTRUSTED_PATTERNS = 5_000, 1_000


class Branches:
    """Compiles the conditions of one config. What is not `trusted` came with a request."""

    def __init__(self, findings: Findings, warnings: list[Problem], *, trusted: bool) -> None:
        self._findings = findings
        self._warnings = warnings
        self._trusted = trusted
        self._values = self._patterns = 0

    def names(self, targets: tuple[ConfigNode, ...], path: str) -> dict[str, int]:
        names: dict[str, int] = {}
        for index, target in enumerate(targets):
            if target.name is not None and names.setdefault(target.name, index) != index:
                first = names[target.name]
                self._findings.report(
                    f"{path}.targets[{index}].name", f"is also the name of targets[{first}]"
                )
        return names

    def conditions(
        self, strategy: StrategySettings, at: str, names: Mapping[str, int]
    ) -> tuple[ConditionSpec, ...]:
        if strategy.conditions is None:
            self._findings.report(f"{at}.conditions", "missing; mode 'conditional' needs conditions")
            return ()
        if not strategy.conditions and strategy.default is None:
            self._findings.report(f"{at}.conditions", "empty, and there is no default")
        specs = []
        for index, entry in enumerate(strategy.conditions):
            here = f"{at}.conditions[{index}]"
            if self._findings.full or not (self._trusted or self._affordable(entry.query, f"{here}.query")):
                break
            if not entry.query:
                self._warnings.append(Problem(f"{here}.query", "empty: it holds for every request"))
            condition = compile_query(entry.query, f"{here}.query", self._findings.report)
            target = self._target(entry.then, f"{here}.then", names)
            if condition is not None and target is not None:
                specs.append(ConditionSpec(condition, target))
        return tuple(specs)

    def _affordable(self, query: Mapping[str, Any], path: str) -> bool:
        """Whether a request may still ask for this query, after those before it."""
        values, patterns = _size(query)
        self._values += values
        self._patterns += patterns
        if self._values > MAX_UNTRUSTED_VALUES:
            self._findings.report(path, f"expected at most {MAX_UNTRUSTED_VALUES:,} values in all conditions")
        elif self._patterns > MAX_UNTRUSTED_PATTERNS:
            text = f"expected at most {MAX_UNTRUSTED_PATTERNS:,} characters in the patterns of all conditions"
            self._findings.report(path, text)
        else:
            return True
        return False

    def default(self, strategy: StrategySettings, at: str, names: Mapping[str, int]) -> int | None:
        if not strategy.default:
            text = "absent: a call that matches no condition gets a 400"
            self._warnings.append(Problem(f"{at}.default", text))
            return None
        if not self._trusted and strategy.default not in names:
            # As recorded (spec/ROUTING.md): noticed only by a call that gets there. In the host's own config
            # it is a mistake to be told of; somebody else's may work for years and never need its default.
            self._warnings.append(Problem(f"{at}.default", self._nobody(strategy.default, names)))
            return None
        return self._target(strategy.default, f"{at}.default", names)

    def _target(self, name: str, path: str, names: Mapping[str, int]) -> int | None:
        if name not in names:
            self._findings.report(path, self._nobody(name, names))
        return names.get(name)

    def _nobody(self, name: str, names: Mapping[str, int]) -> str:
        near = self._findings.hint(name, names)
        known = f"; names are {', '.join(map(quoted, list(names)[:10]))}" if names else ""
        return f"no target has the name {quoted(name)}{near or known}"


def _size(query: Any) -> tuple[int, int]:
    """The values in a query, and the characters of all its patterns."""
    # As much as a whole condition costs beside what is in it.
    values, patterns, pending = 4, 0, [query]
    while pending:
        value = pending.pop()
        values += 1
        if isinstance(value, Mapping):
            pattern = value.get("$regex")
            patterns += len(pattern) if isinstance(pattern, str) else 0
            pending += value.values()
        elif isinstance(value, (list, tuple)):
            pending += value
    return values, patterns
