"""What a call would do, told from specs and state without any I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any

import attrs

from .config.conditions import ConditionTimeout, Scope
from .config.spec import CALL_TIMEOUT, RetrySpec, TargetSpec
from .environment import Environment
from .layers.backoff import MAX_TOTAL_WAIT, backoff
from .layers.params import effective_params, model_of
from .node import Node
from .request import PATHNAME
from .routing.conditional import Conditional
from .routing.fallback import Fallback
from .routing.loadbalance import LoadBalance
from .routing.plan import Plan
from .routing.single import Single
from .routing.target import Target
from .wire.hosts import shown_url


@attrs.frozen
class ExplainedTarget:
    """One target that may be tried. Times in seconds.

    `params` are the effective parameters without the conversation. `waits` are the pauses before
    each repetition, without jitter. `available` is False while the target asked to be left alone.
    `hooks` are its guardrails and mutators, each in one line, in the order of the config.
    """

    path: str
    provider: str
    model: str | None
    host: str | None
    available: bool
    waits: tuple[float, ...]
    retry_on: tuple[int, ...]
    request_timeout: float | None
    params: Mapping[str, Any]
    hooks: tuple[str, ...] = ()


@attrs.frozen
class Step:
    """A node of the tree: what it is, why its children stand in this order, and the children."""

    path: str
    title: str
    reasons: tuple[str, ...] = ()
    children: tuple[Step, ...] = ()
    target: ExplainedTarget | None = None


@attrs.frozen
class Explanation:
    """The way a call would take. `str()` draws a tree; `targets` lists the leaves in order."""

    root: Step
    deadline: float
    warnings: tuple[str, ...] = ()

    @property
    def targets(self) -> tuple[ExplainedTarget, ...]:
        """The targets in the order in which they would be tried."""
        return tuple(_targets(self.root))

    def to_dict(self) -> dict[str, Any]:
        """The explanation as plain JSON."""
        tree = attrs.asdict(self, filter=_told, value_serializer=_listed)
        return {**tree, "targets": [target.path for target in self.targets]}

    def __str__(self) -> str:
        lines = [f"call within {self.deadline:g} s", *_drawn(self.root, "", "")]
        return "\n".join([*lines, *(f"warning: {text}" for text in self.warnings)])


@attrs.frozen
class TargetHealth:
    """What is known of one target. `cooling` is the seconds for which it asked to be left alone."""

    path: str
    provider: str
    available: bool
    cooling: float


def explain(
    plan: Plan,
    body: Mapping[str, Any],
    metadata: Mapping[str, Any],
    env: Environment,
    limit: float | None = None,
) -> Explanation:
    """The explanation of one call under a plan; `limit` is the caller's own, in seconds."""
    scope = Scope(metadata=metadata, params=body, pathname=PATHNAME)
    root = _step(plan.root, body, scope, env)
    warnings = tuple(map(str, plan.warnings))
    limits = [seconds for seconds in (plan.deadline, limit) if seconds is not None]
    return Explanation(root, min(limits, default=CALL_TIMEOUT), warnings)


def health(plan: Plan, env: Environment) -> list[TargetHealth]:
    """Every target of a plan, in the order of the config."""
    now = env.clock.now()
    return [
        TargetHealth(
            target.path, target.spec.provider, target.available(), max(0.0, target.state.cool_until - now)
        )
        for target in _leaves(plan.root)
    ]


def _leaves(node: Any) -> list[Target]:
    if isinstance(node, Target):
        return [node]
    return [leaf for child in node.children for leaf in _leaves(child)]


def _step(node: Node, body: Mapping[str, Any], scope: Scope, env: Environment) -> Step:
    if isinstance(node, Target):
        return _target_step(node, body, env)
    if isinstance(node, Fallback):
        return _fallback_step(node, body, scope, env)
    if isinstance(node, LoadBalance):
        return _loadbalance_step(node, body, scope, env)
    if isinstance(node, Conditional):
        return _conditional_step(node, body, scope, env)
    assert isinstance(node, Single)
    child = _step(node.children[0], body, scope, env)
    return Step(node.path, "single: the first target", (), (child,))


def _target_step(node: Target, body: Mapping[str, Any], env: Environment) -> Step:
    spec = node.spec
    params = effective_params(spec, body)
    target = ExplainedTarget(
        path=spec.path,
        provider=spec.provider,
        model=model_of(params),
        host=None if spec.custom_host is None else shown_url(spec.custom_host),
        available=node.available(),
        waits=_waits(spec.retry),
        retry_on=tuple(sorted(spec.retry.on_status_codes)) if spec.retry else (),
        request_timeout=spec.timeouts.request,
        params={name: value for name, value in params.items() if name != "messages"},
        hooks=(
            *(hook.told("before") for hook in spec.input_hooks),
            *(hook.told("after") for hook in spec.output_hooks),
        ),
    )
    return Step(
        spec.path,
        f"{spec.provider} {target.model or '(no model)'}",
        _target_reasons(target, spec),
        (),
        target,
    )


def _waits(retry: RetrySpec | None) -> tuple[float, ...]:
    if retry is None:
        return ()
    plain = attrs.evolve(retry, jitter="none")
    waits = [backoff(plain, number, lambda: 0.0) for number in range(1, retry.attempts + 1)]
    totals = accumulate(waits)
    return tuple(wait for wait, total in zip(waits, totals, strict=True) if total <= MAX_TOTAL_WAIT)


def _target_reasons(target: ExplainedTarget, spec: TargetSpec) -> tuple[str, ...]:
    reasons = []
    if not target.available:
        reasons.append("asked to be left alone for now; passed over while another target is available")
    if target.host:
        reasons.append(f"at {target.host}")
    changed = sorted({*spec.override_params, *spec.default_params})
    if changed:
        reasons.append(f"parameters set here: {', '.join(changed)}")
    if target.waits:
        waits = ", ".join(f"{wait:g}" for wait in target.waits)
        codes = ", ".join(map(str, target.retry_on))
        count = f"{len(target.waits)} {'retry' if len(target.waits) == 1 else 'retries'}"
        reasons.append(
            f"up to {count} after {waits} s, on {f'{codes} and ' if codes else ''}connection errors"
        )
    if target.request_timeout is not None:
        reasons.append(f"each attempt within {target.request_timeout:g} s")
    return (*reasons, *target.hooks)


def _fallback_step(node: Fallback, body: Mapping[str, Any], scope: Scope, env: Environment) -> Step:
    spec = node.spec
    if spec.on_status_codes is None and not spec.on_errors:
        on = "any answer outside 200-299"
    else:
        on = ", ".join([*map(str, sorted(spec.on_status_codes or ())), *sorted(spec.on_errors)]) or "nothing"
    reasons = [f"goes on after {on}"]
    if spec.failover_first:
        reasons.append("every target once, then the retries")
    return Step(node.path, "fallback", tuple(reasons), _steps(node.order(), body, scope, env))


def _loadbalance_step(node: LoadBalance, body: Mapping[str, Any], scope: Scope, env: Environment) -> Step:
    total = sum(node.spec.weights)
    shares = [weight / total for weight in node.spec.weights]
    order = sorted(range(len(shares)), key=lambda i: (-shares[i], i))
    reasons = tuple(f"{node.children[i].path}: {shares[i]:.1%} of the calls" for i in order[:50])
    children = [node.children[i] for i in order if shares[i] > 0]
    return Step(node.path, "loadbalance: one of", reasons, _steps(children, body, scope, env))


def _conditional_step(node: Conditional, body: Mapping[str, Any], scope: Scope, env: Environment) -> Step:
    reasons: list[str] = []
    try:
        index = None
        for number, entry in enumerate(node.spec.conditions):
            lines = entry.condition.explain(scope)
            holds = entry.condition.holds(scope)
            reasons.append(f"condition {number} {'holds' if holds else 'does not hold'}: {lines[0]}")
            reasons += lines[1:]
            if holds:
                index = entry.target
                break
        else:
            index = node.spec.default
            reasons.append("no condition holds" + ("" if index is None else ", so the default is taken"))
    except ConditionTimeout as error:
        reasons.append(f"a pattern took too long: {error}")
    children = [] if index is None else [node.children[index]]
    title = "conditional" if children else "conditional: no target, the call would get a 400"
    return Step(node.path, title, tuple(reasons), _steps(children, body, scope, env))


def _steps(
    nodes: Sequence[Node], body: Mapping[str, Any], scope: Scope, env: Environment
) -> tuple[Step, ...]:
    return tuple(_step(node, body, scope, env) for node in nodes)


def _targets(step: Step) -> list[ExplainedTarget]:
    own = [step.target] if step.target is not None else []
    return own + [target for child in step.children for target in _targets(child)]


def _drawn(step: Step, first: str, rest: str) -> list[str]:
    lines = [f"{first}{step.path}: {step.title}"]
    bar = "│  " if step.children else "   "
    lines += [f"{rest}{bar}{reason}" for reason in step.reasons]
    for number, child in enumerate(step.children):
        last = number == len(step.children) - 1
        lines += _drawn(child, rest + ("└─ " if last else "├─ "), rest + ("   " if last else "│  "))
    return lines


def _listed(instance: Any, attribute: Any, value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _told(attribute: Any, value: Any) -> bool:
    return value is not None and value != ()
