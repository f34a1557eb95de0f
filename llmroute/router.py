"""Router: configs in, completions out."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal

import attrs

from .assemble import checked_setup, make_core, misplaced_keywords, shorthand_config
from .client import Chat, ChatStream, wire_stream
from .clock import Clock
from .config.document import Config, naming_file
from .config.headers import config_value, lowered, read_headers
from .config.inherit import Overlay
from .config.primitives import type_words
from .edge import answer_body, error_body, error_of, kept_headers, route_of, routing_headers
from .errors import BadRequestError, ConfigError, Problem
from .explain import Explanation, TargetHealth, explain, health
from .prepare import BadBody, Body, Options, checked_body, split_params
from .request import Request
from .requested import overlay_of, plan_of, timeout_of
from .response import Response
from .routing.plan import NO_OVERLAY, Plan
from .telemetry.events import ConfigReloaded, Observer
from .transport.base import Transport
from .types.chat import ChatCompletion
from .view import View, checked, overlaid
from .wire.fetching import FetchPolicy
from .wire.json import JSONError, loads

_NOTHING: Final[Mapping[str, Any]] = {}


class Router:
    """Routes chat completions as a config says, inside this process.

    `config` is a mapping, its JSON text, or a `Config`; alternatively keywords make a one-target
    config with the Portkey SDK's names: `Router(provider="openai", api_key="sk-...")`.

    - `providers`: named credentials, used as `"provider": "@name"`, `"virtual_key": "name"` or
      `"model": "@name/model"`; or functions from ProviderSettings to an Adapter of your own.
    - `configs`: named configs, for the ids that requests may name.
    - `metadata`: routing metadata of every call, above that of requests.
    - `request_config`: what routing data in a request may do: "deny" (default beside a config),
      "untrusted" (default without one) or "trusted".
    - `unknown`: what an unknown config member is, "error" or "warn"; `require_keys` checks at once
      that every target has a key.
    - `checks`: functions of your own as guardrail checks, by id: `{"acme.no_secrets": fn}`;
      `guardrails`: hooks by name, for configs that name them; `input_guardrails` and
      `output_guardrails` run on every call, whatever config it brings. `guardrail_errors` says what a
      check that could not judge does where its hook does not say: "pass" or "deny".
    - `fetch`: whether images and files that a request points to are fetched and sent as data where the
      provider cannot do so itself: True, or a FetchPolicy with limits and hosts. Off by default.
    - `transport`, `clock`, `seed`, `observers`: the outside world; `hosts`: more trusted hosts for
      configs that are not the host code's own word ("host", "host:port" or "*.suffix").

    Raises ConfigError with every problem at once. A Router may be built at import time and used from
    several event loops and threads; nothing is contacted before the first call.
    """

    __slots__ = ("__weakref__", "_core", "_plans", "_view", "chat")

    def __init__(
        self,
        config: Mapping[str, Any] | str | bytes | Config | None = None,
        *,
        providers: Mapping[str, Any] | None = None,
        configs: Mapping[str, Any] | None = None,
        metadata: Mapping[str, Any] | None = None,
        request_config: Literal["deny", "untrusted", "trusted"] | None = None,
        unknown: Literal["error", "warn"] = "error",
        require_keys: bool = False,
        transport: Transport | None = None,
        hosts: Iterable[str] = (),
        observers: Iterable[Observer] = (),
        clock: Clock | None = None,
        seed: int | None = None,
        checks: Mapping[str, Any] | None = None,
        guardrails: Mapping[str, Any] | None = None,
        input_guardrails: Sequence[Any] | None = None,
        output_guardrails: Sequence[Any] | None = None,
        guardrail_errors: Literal["pass", "deny"] | None = None,
        fetch: bool | FetchPolicy = False,
        trace_id: str = "",
        timeout: float | None = None,
        **shorthand: Any,
    ) -> None:
        setup = checked_setup(
            {
                "providers": providers,
                "configs": configs,
                "metadata": metadata,
                "request_config": request_config
                or ("untrusted" if config is None and not shorthand else "deny"),
                "unknown": unknown,
                "require_keys": require_keys,
                "transport": transport,
                "hosts": hosts,
                "observers": observers,
                "clock": clock,
                "seed": seed,
                "checks": checks,
                "guardrails": guardrails,
                "input_guardrails": input_guardrails,
                "output_guardrails": output_guardrails,
                "guardrail_errors": guardrail_errors,
                "fetch": fetch,
            }
        )
        self._core = make_core(setup)
        if shorthand:
            if config is not None:
                raise misplaced_keywords(shorthand)
            config = shorthand_config(shorthand, setup.unknown)
        self._become(checked(View(trace_id=trace_id, timeout=timeout)))
        if config is not None:
            plan = self._core.use(self._core.config_of(config))
            if setup.require_keys:
                self._core.check_keys(plan)

    def _become(self, view: View) -> None:
        self._view = view
        self._plans: tuple[Plan | None, Plan | None] = (None, None)
        self.chat = Chat(self)

    @classmethod
    def from_file(cls, path: str | os.PathLike[str], **options: Any) -> Router:
        """A router for a config file. Raises ConfigError, which names it, for its content, and OSError."""
        with naming_file(path):
            return cls(Path(path).read_bytes(), **options)

    @classmethod
    def from_headers(cls, headers: Mapping[str, Any], **options: Any) -> Router:
        """A router for the `x-portkey-*` headers that a client of the gateway would send.

        The headers count as the host code's own word. Raises ConfigError.
        """
        require_keys = options.pop("require_keys", False)
        router = cls(**{"request_config": "deny", **options})
        core, view = router._core, router._view
        routing = read_headers(lowered(headers), trusted=True)
        if routing.config is not None:
            named = core.configs.get(routing.config)
            core.config = named or Config(config_value(routing.config), unknown=core.unknown)
        elif routing.provider is not None:
            core.config = Config({"provider": routing.provider})
        else:
            text = "name a target: x-portkey-config or x-portkey-provider"
            raise ConfigError([Problem("headers", text)])
        router._become(
            attrs.evolve(
                view,
                overlay=routing.overlay,
                metadata=routing.metadata,
                trace_id=routing.trace_id or view.trace_id,
            )
        )
        core.plan = router._plan()
        if require_keys and core.plan is not None:
            core.check_keys(core.plan)
        return router

    def with_options(
        self,
        *,
        config: Mapping[str, Any] | str | bytes | Config | None = None,
        provider: str | None = None,
        api_key: str | Callable[[], Any] | None = None,
        metadata: Mapping[str, Any] | None = None,
        trace_id: str | None = None,
        request_timeout: int | None = None,
        timeout: float | None = None,
        custom_host: str | None = None,
        forward_headers: Iterable[str] | None = None,
        strict_open_ai_compliance: bool | None = None,
    ) -> Router:
        """A view that shares connections and state with this router.

        `config` (or `provider`, which makes a one-target config) replaces the config; everything else
        overlays it. `request_timeout` is in ms and for each attempt, `timeout` in s for a whole call.
        Raises ConfigError.
        """
        view = self._view
        if provider is not None:
            if config is not None:
                raise ConfigError([Problem("provider", "may not stand beside a config")])
            members = {"provider": provider, "api_key": api_key, "custom_host": custom_host}
            config = shorthand_config({name: value for name, value in members.items() if value is not None})
            api_key = custom_host = None
        settings = {
            "api_key": api_key,
            "custom_host": custom_host,
            "request_timeout": request_timeout,
            "forward_headers": forward_headers,
            "strict": strict_open_ai_compliance,
        }
        changed = View(
            config=view.config if config is None else self._core.config_of(config),
            overlay=overlaid(view.overlay, settings),
            metadata=view.metadata if metadata is None else metadata,
            trace_id=view.trace_id if trace_id is None else trace_id,
            timeout=view.timeout if timeout is None else timeout,
        )
        made = object.__new__(type(self))
        made._core = self._core
        made._become(attrs.evolve(checked(changed), metadata={**view.metadata, **changed.metadata}))
        made._plan()
        return made

    # -- calls ---------------------------------------------------------------------------------

    async def create(self, params: dict[str, Any]) -> ChatCompletion | ChatStream:
        """The engine of `chat.completions.create`; call that instead."""
        core = self._core
        core.enter()
        problem: BadRequestError | None = None
        try:
            unchecked, options = split_params(params)
            plan, body = self._plan_of_model(checked_body(unchecked), self._plan(), self._view.overlay)
        except BadBody as error:
            problem = BadRequestError(str(error), status_code=400, param=error.path)
        if problem is not None:
            raise problem
        request = self._request(plan, body, options, _NOTHING, _NOTHING, "")
        outcome, call = await core.run(plan, request, self._timeout(options))
        if outcome.stream is not None:
            return ChatStream(outcome, call, core.env.clock.now)
        route = partial(route_of, outcome, call, core.env.clock.now())
        if outcome.failure is not None:
            raise error_of(outcome, route())
        return ChatCompletion.from_dict(answer_body(outcome), route)

    async def handle(
        self, body: Mapping[str, Any] | str | bytes, headers: Mapping[str, Any] | None = None
    ) -> Response:
        """The wire-level twin of `POST /v1/chat/completions`.

        Never raises for anything the upstream or the request did wrong: a wrong config, header or
        body is a 400. Raises RouterClosedError after `aclose`.
        """
        core = self._core
        core.enter()
        try:
            lower = lowered(headers)
            routing = read_headers(lower, trusted=core.request_config == "trusted")
            overlay = overlay_of(routing, core, self._view)
            plan = plan_of(routing, overlay, core, self._view, self._plan())
            plan, made = self._plan_of_model(checked_body(_object(body)), plan, overlay, own=False)
        except ConfigError as error:
            return _config_refusal(error)
        except BadBody as error:
            return _refusal(str(error), error.path)
        options = Options(timeout=timeout_of(routing, core, self._view))
        request = self._request(plan, made, options, routing.metadata, lower, routing.trace_id)
        outcome, call = await core.run(plan, request, self._timeout(options))
        sent = {**kept_headers(outcome.headers), **routing_headers(outcome, call.trace_id)}
        if outcome.stream is not None:
            stream = wire_stream(outcome, call, core.env.clock.now)
            return Response(outcome.status, sent, stream=stream, clock=core.env.clock)
        if outcome.failure is not None:
            return Response(outcome.status, sent, error_body(outcome))
        return Response(outcome.status, sent, answer_body(outcome))

    def _request(
        self,
        plan: Plan,
        body: Body,
        options: Options,
        metadata: Mapping[str, Any],
        headers: Mapping[str, str],
        trace_id: str,
    ) -> Request:
        view = self._view
        return Request(
            body.params,
            self._metadata(plan, metadata, body.params),
            headers,
            options.extra_headers,
            options.extra_query,
            options.connect,
            trace_id or view.trace_id,
            body.json,
        )

    def _timeout(self, options: Options) -> float | None:
        return options.timeout if options.timeout is not None else self._view.timeout

    def _metadata(
        self, plan: Plan, metadata: Mapping[str, Any], body: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        """The config's metadata below the request's below the host's; `user` of the body as `_user`."""
        host, view = self._core.metadata, self._view.metadata
        user = body.get("user")
        if not (plan.metadata or metadata or host or view or user):
            return _NOTHING
        merged = {**plan.metadata, **metadata, **view, **host}
        if isinstance(user, str):
            merged.setdefault("_user", user)
        return merged

    # -- plans ---------------------------------------------------------------------------------

    def _plan(self) -> Plan | None:
        """The plan of this view; None when the router has no config."""
        core, view = self._core, self._view
        if view.config is None and view.overlay is NO_OVERLAY:
            return core.plan
        current, made = self._plans
        if made is not None and current is core.plan:
            return made
        config = view.config or core.config
        if config is None:
            return core.plan
        made = core.planner.plan(config, view.overlay)
        self._plans = (core.plan, made)
        return made

    def _plan_of_model(
        self, body: Body, plan: Plan | None, overlay: Overlay, own: bool = True
    ) -> tuple[Plan, Body]:
        """Follow `"model": "@name/model"` where `name` is a named provider that may be asked for so.

        With `own` the call is the host's. Else a name that is not for requests is none where they route,
        and refused where they may not. Raises BadBody and ConfigError.
        """
        model = body.params.get("model")
        if isinstance(model, str) and model[:1] == "@" and "/" in model:
            core, (name, rest) = self._core, model[1:].split("/", 1)
            if name in core.planner.around.named:
                if core.may_name(name, own):
                    return core.named_plan(name, overlay), Body({**body.params, "model": rest})
                if own:
                    text = f'the named provider {name!r} is for configs alone: it lacks "expose": true'
                    raise BadBody("body.model", text)
                if core.request_config == "deny":
                    raise BadBody("body.model", "a request may not name a provider here")
        if plan is None:
            raise BadBody(
                "body.model", "no target: give the router a config, or name a provider as @name/model"
            )
        return plan, body

    # -- life ----------------------------------------------------------------------------------

    def reload(self, config: Mapping[str, Any] | str | bytes | Config) -> None:
        """Replace the config at once for new calls; running ones finish on the old plan.

        It is that of the router and of all its views without a config of their own. Unchanged targets
        keep their state. Raises ConfigError, and then the old config stays.
        """
        if self._view.config is not None:
            text = "this view has one of its own: reload the router, or make another view"
            raise ConfigError([Problem("config", text)])
        plan = self._core.use(self._core.config_of(config))
        emit = self._core.env.emit
        if emit is not None:
            emit(ConfigReloaded("", "", self._core.env.clock.now(), plan.digest))

    def explain(self, body: Mapping[str, Any], metadata: Mapping[str, Any] | None = None) -> Explanation:
        """What a call with this body would do, without any I/O: the targets in order, and why.

        Raises BadRequestError for a body that could not be sent anywhere.
        """
        problem: BadRequestError | None = None
        try:
            plan, made = self._plan_of_model(checked_body(_object(body)), self._plan(), self._view.overlay)
        except BadBody as error:
            problem = BadRequestError(str(error), status_code=400, param=error.path)
        if problem is not None:
            raise problem
        metadata = self._metadata(plan, metadata or {}, made.params)
        return explain(plan, made.params, metadata, self._core.env, self._view.timeout)

    def health(self) -> list[TargetHealth]:
        """The targets of the router's config, with what is known of each."""
        plan = self._plan()
        return [] if plan is None else health(plan, self._core.env)

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """What is odd about the config without being wrong."""
        config, plan = self._view.config or self._core.config, self._plan()
        return (*(config.warnings if config else ()), *(plan.warnings if plan else ()))

    async def aclose(self, timeout: float | None = None) -> None:
        """Refuse new calls, give running ones `timeout` seconds (10 when None), then close everything."""
        await self._core.aclose(timeout)

    async def __aenter__(self) -> Router:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        plan = self._core.plan
        return f"<Router {plan.digest[:12] if plan else 'without a config'}>"


def _object(body: Mapping[str, Any] | str | bytes) -> dict[str, Any]:
    """The request body as a new dict. Raises BadBody."""
    value: Any = body
    if isinstance(body, (str, bytes)):
        try:
            value = loads(body)
        except JSONError as error:
            raise BadBody("body", f"expected a JSON object: {error}") from None
    if not isinstance(value, Mapping):
        raise BadBody("body", f"expected an object, got {type_words(value)}")
    return dict(value)


def _refusal(message: str, param: str | None = None) -> Response:
    error = {"message": message, "type": "invalid_request_error", "param": param, "code": None}
    return Response(400, {}, {"status": "failure", "message": message, "error": error})


def _config_refusal(error: ConfigError) -> Response:
    response = _refusal(str(error), error.problems[0].path if error.problems else None)
    assert response.body is not None
    response.body["errors"] = [str(problem) for problem in error.problems]
    return response
