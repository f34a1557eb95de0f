"""Plans: a config compiled for one router, kept by digest so that a thousand tenants compile once each."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any

import attrs

from ..config.document import Config
from ..config.inherit import Compiler, Overlay, Surroundings
from ..config.schema import ConfigNode
from ..config.spec import Spec, StrategySpec, TargetSpec
from ..environment import Environment
from ..errors import Problem
from ..node import Node
from .build import build

MAX_PLANS = 1_024

NO_OVERLAY = Overlay()


@attrs.frozen
class Plan:
    """An immutable tree and what stands beside it at the root of its config."""

    root: Node
    spec: Spec
    digest: str
    deadline: float | None = None
    metadata: Mapping[str, Any] = attrs.field(factory=dict, repr=False)
    warnings: tuple[Problem, ...] = ()


class Planner:
    """Compiles configs for one router. Safe to use from several threads."""

    def __init__(self, around: Surroundings, env: Environment, limit: int = MAX_PLANS) -> None:
        self.around = around
        self.env = env
        self._limit = limit
        self._plans: OrderedDict[Any, Plan] = OrderedDict()
        self._lock = Lock()

    def plan(self, config: Config, overlay: Overlay = NO_OVERLAY) -> Plan:
        """The plan of a config under an overlay. Raises ConfigError."""
        return self.cached(
            (config.digest, overlay),
            lambda: self.compile(config.node, config.digest, config.trusted, overlay),
        )

    def cached(self, key: Any, make: Callable[[], Plan]) -> Plan:
        """The plan kept under `key`, made when there is none; failures are not kept."""
        with self._lock:
            plan = self._plans.get(key)
            if plan is not None:
                self._plans.move_to_end(key)
                return plan
        plan = make()
        with self._lock:
            self._plans[key] = plan
            while len(self._plans) > self._limit:
                self._plans.popitem(last=False)
        return plan

    def compile(
        self,
        node: ConfigNode,
        digest: str,
        trusted: bool,
        overlay: Overlay = NO_OVERLAY,
        *,
        hooks: bool = True,
    ) -> Plan:
        """Compile without the cache; without `hooks` free of guardrails. Raises ConfigError."""
        compiler = Compiler(self.around, trusted=trusted, overlay=overlay, hooks=hooks)
        spec = compiler.compile(node)
        return Plan(
            root=build(spec, self.env),
            spec=spec,
            digest=digest,
            deadline=node.deadline / 1000 if node.deadline else None,
            metadata=node.metadata or {},
            warnings=tuple(compiler.warnings),
        )


def targets_of(spec: Spec) -> list[TargetSpec]:
    """The leaves of a tree, in the order of the config."""
    if isinstance(spec, StrategySpec):
        return [leaf for child in spec.children for leaf in targets_of(child)]
    return [spec]
