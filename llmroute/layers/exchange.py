"""One request to one provider within its time limits; everything that can go wrong becomes an Outcome."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import attrs

from ..config.spec import TargetSpec
from ..environment import Environment
from ..outcome import Failure, Outcome
from ..providers.auth.base import Credentials
from ..providers.auth.key import CredentialError, KeySource
from ..providers.base import Adapter, DecodeError, EncodeError, ReplyError
from ..request import Call
from ..telemetry.events import AttemptFinished, ParametersDropped
from ..transport.base import Exchanged, TransportError
from ..types.route import Attempt
from ..wire.message import WireReply, WireRequest
from ..wire.retry_after import retry_after_of
from .params import effective_params, is_stream, model_of
from .scrub import Scrubber
from .stream import open_stream

if TYPE_CHECKING:
    from .inlining import Inlining

MAX_ANSWER = 64 * 2**20
MAX_ERROR_BODY = 64 * 2**10

#: The reported status of a failure that no answer of the provider stands behind.
_STATUS = {"connection": 503, "connect_timeout": 408, "protocol": 502, "too_large": 502}


class Exchange:
    """Encode, send, decode. The innermost layer of every target.

    With `credentials` the adapter gets no key: they finish the encoded request.
    """

    __slots__ = (
        "_adapter",
        "_credentials",
        "_encode_json",
        "_env",
        "_inlining",
        "_key",
        "_spec",
        "_static_key",
    )

    def __init__(
        self,
        spec: TargetSpec,
        adapter: Adapter,
        key: KeySource,
        env: Environment,
        credentials: Credentials | None = None,
    ) -> None:
        self._spec = spec
        self._adapter = adapter
        self._key = key
        self._env = env
        self._credentials = credentials
        self._static_key = key.static if credentials is None else None
        #: For formats like OpenAI's: sends a body that nobody has changed as it was written.
        self._encode_json: Callable[..., WireRequest] | None = getattr(adapter, "encode_json", None)
        self._inlining = None if env.fetch is None else _inlining_of(adapter, env)

    async def __call__(self, call: Call) -> Outcome:
        clock = self._env.clock
        started = clock.now()
        outcome = await self._attempt(call, self._static_key, started)
        if outcome.failure is not None and self._renews(outcome.status, outcome.failure):
            # What is made or fetched may have been rotated or have expired: ask once more.
            (self._credentials or self._key).forget()
            self._log(call, started, started := clock.now(), outcome)
            outcome = await self._attempt(call, None, started)
        self._log(call, started, clock.now(), outcome)
        return outcome

    async def _attempt(self, call: Call, key: str | None, now: float) -> Outcome:
        request = call.request
        params = effective_params(self._spec, request.body) if call.params is None else call.params
        model = model_of(params)
        if model is None:
            return self._refused(400, None, _no_model(params), param="model", code="missing_model")
        stream = is_stream(params)
        limit, kind = self._limit(call, stream, now)
        left = limit
        try:
            if key is None and self._credentials is None:
                async with self._env.clock.timeout(limit):
                    key = await self._key.get()
                if limit is not None:
                    left = max(0.0, limit - (self._env.clock.now() - now))
            if self._inlining is not None:
                links = self._inlining.wants(params)
                if links:
                    async with self._env.clock.timeout(left):
                        params = await self._inlining(params, links)
                    if limit is not None:
                        left = max(0.0, limit - (self._env.clock.now() - now))
            if request.json is not None and self._encode_json is not None and params is request.body:
                wire = self._encode_json(params, request.json, key)
            else:
                wire = self._adapter.encode(params, key)
            if self._spec.forward_headers or request.extra_headers or request.extra_query:
                wire = self._addressed(wire, call)
            if wire.warnings:
                self._warn(call, wire.warnings)
            return await self._exchange(call, params, model, stream, wire, left)
        except EncodeError as error:
            return self._refused(400, model, error.message, param=error.param, code=error.code)
        except CredentialError as error:
            return self._refused(401, model, str(error), kind="auth", code="missing_api_key")
        except TimeoutError:
            return self._timed_out(model, limit or 0.0, kind)

    async def _exchange(
        self,
        call: Call,
        params: Mapping[str, Any],
        model: str,
        stream: bool,
        wire: WireRequest,
        limit: float | None,
    ) -> Outcome:
        reply: Exchanged | None = None
        kept = False
        try:
            async with self._env.clock.timeout(limit):
                if self._credentials is not None:
                    wire = await _authorized(wire, self._credentials)
                reply = await self._env.transport.send(
                    wire,
                    connect_timeout=call.request.connect_timeout or self._spec.timeouts.connect,
                    guarded=self._spec.guarded,
                )
                if 200 <= reply.status <= 299 and not stream:
                    whole = WireReply(reply.status, reply.headers, await reply.read(MAX_ANSWER))
                    outcome = self._decoded(params, model, reply, whole)
                else:
                    outcome = await self._answer(call, params, model, wire, reply)
            # An answer that is whole has been released, and a stream goes on.
            kept = outcome.failure is None
            if outcome.failure is not None:
                scrubber = Scrubber(wire.headers)
                outcome.failure = scrubber.failure(outcome.failure)
                outcome.headers = scrubber.headers(outcome.headers)
            return outcome
        except CredentialError as error:
            return self._refused(401, model, str(error), kind="auth", code="no_credentials")
        except TransportError as error:
            failure = Failure(
                error.kind, f"{self._spec.provider} error: {error.message}", type=f"{error.kind}_error"
            )
            return self._failed(_STATUS[error.kind], model, failure)
        finally:
            if reply is not None and not kept:
                reply.close()

    async def _answer(
        self, call: Call, params: Mapping[str, Any], model: str, wire: WireRequest, reply: Exchanged
    ) -> Outcome:
        status = reply.status
        if 200 <= status <= 299:
            return await self._stream_answer(call, params, model, wire, reply)
        if 300 <= status <= 599:
            return await self._error_answer(model, Scrubber(wire.headers), reply)
        failure = Failure(
            "protocol", f"{self._spec.provider} error: HTTP status {status}", type="protocol_error"
        )
        return self._failed(502, model, failure)

    async def _stream_answer(
        self, call: Call, params: Mapping[str, Any], model: str, wire: WireRequest, reply: Exchanged
    ) -> Outcome:
        opened = await open_stream(reply, self._adapter.decoder(params), self._env.clock, wire.headers)
        if isinstance(opened, Failure):
            return self._failed(_stream_status(opened), model, opened, reply)
        opened.watch(self._spec.timeouts.stream_idle, call.deadline if call.lasting else None)
        spec = self._spec
        return Outcome(reply.status, spec.path, spec.provider, model, stream=opened, headers=reply.headers)

    def _decoded(self, params: Mapping[str, Any], model: str, reply: Exchanged, whole: WireReply) -> Outcome:
        spec = self._spec
        try:
            body = self._adapter.decode(whole, params)
        except DecodeError as error:
            text = f"{spec.provider} error: {error} (status {whole.status})"
            return self._failed(502, model, Failure("parse", text, type="invalid_response_error"), reply)
        except ReplyError as error:
            return self._failed(502, model, error.failure, reply)
        reply.release()
        if not body.get("created"):
            body["created"] = int(self._env.clock.time())
        return Outcome(whole.status, spec.path, spec.provider, model, body, headers=reply.headers)

    async def _error_answer(self, model: str, scrubber: Scrubber, reply: Exchanged) -> Outcome:
        data = scrubber.data(await _prefix(reply, MAX_ERROR_BODY))
        failure = self._adapter.failure(WireReply(reply.status, reply.headers, data))
        if 300 <= reply.status <= 399 and "location" in reply.headers:
            where = _printable(scrubber.text(reply.headers["location"]))
            failure = attrs.evolve(
                failure, message=f"{failure.message} (a redirect to {where}, which is never followed)"
            )
        wait = retry_after_of(reply.headers, self._env.clock.time())
        if wait is not None:
            failure = attrs.evolve(failure, retry_after=wait)
        return self._failed(reply.status, model, failure, reply)

    def _renews(self, status: int, failure: Failure) -> bool:
        return failure.kind == "status" and (self._credentials or self._key).renews(status, failure)

    # -- parts ---------------------------------------------------------------------------------

    def _addressed(self, wire: WireRequest, call: Call) -> WireRequest:
        """The request with what the call and the target add to every provider's."""
        spec, request = self._spec, call.request
        changes: dict[str, Any] = {}
        if spec.forward_headers or request.extra_headers:
            # They win, even over the key: the host or its config asked for them by name.
            forwarded = {
                name: request.headers[name] for name in spec.forward_headers if name in request.headers
            }
            forwarded.update({name.lower(): text for name, text in (request.extra_headers or {}).items()})
            if forwarded:
                kept = {name: text for name, text in wire.headers.items() if name.lower() not in forwarded}
                changes["headers"] = {**kept, **forwarded}
        if request.extra_query:
            changes["url"] = wire.url.update_query(request.extra_query)
        return attrs.evolve(wire, **changes)

    def _limit(self, call: Call, stream: bool, now: float) -> tuple[float | None, str]:
        """Seconds for this attempt (for a stream: up to its commit), and whose limit it is."""
        timeouts = self._spec.timeouts
        limit, kind = timeouts.request, "timeout"
        if stream and timeouts.first_token is not None:
            limit = timeouts.first_token if limit is None else min(limit, timeouts.first_token)
        if call.deadline is None:
            return limit, kind
        left = max(0.0, call.deadline - now)
        if limit is None and call.later is not None and call.later.count:
            limit = left / (call.later.count + 1)
        if limit is None or left <= limit:
            return left, "deadline"
        return limit, kind

    def _timed_out(self, model: str, limit: float, kind: str) -> Outcome:
        milliseconds = round(limit * 1000)
        if kind == "deadline":
            text = f"the time for the whole call is over ({milliseconds} ms were left for this attempt)"
            return self._failed(408, model, Failure("deadline", text, type="timeout_error", final=True))
        text = f"no complete answer within {milliseconds} ms"
        return self._failed(408, model, Failure("timeout", text, type="timeout_error"))

    def _refused(
        self,
        status: int,
        model: str | None,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        kind: Any = "request",
    ) -> Outcome:
        type_ = "authentication_error" if kind == "auth" else "invalid_request_error"
        return self._failed(status, model, Failure(kind, message, type=type_, param=param, code=code))

    def _failed(
        self, status: int, model: str | None, failure: Failure, reply: Exchanged | None = None
    ) -> Outcome:
        headers: Mapping[str, str] = reply.headers if reply is not None else {}
        return Outcome(status, self._spec.path, self._spec.provider, model, failure=failure, headers=headers)

    def _warn(self, call: Call, warnings: tuple[str, ...]) -> None:
        call.log.warnings.extend(f"{self._spec.path}: {text}" for text in warnings)
        env = self._env
        if env.emit is not None:
            env.emit(ParametersDropped(call.id, call.trace_id, env.clock.now(), self._spec.path, warnings))

    def _log(self, call: Call, started: float, ended: float, outcome: Outcome) -> None:
        failure = outcome.failure
        attempt = Attempt(
            outcome.path,
            outcome.provider,
            outcome.model,
            outcome.status,
            None if failure is None else failure.message,
            started - call.log.started,
            None if outcome.stream is None else ended - started,
            ended - started,
            None if failure is None else failure.retry_after,
        )
        call.log.attempts.append(attempt)
        env = self._env
        if env.emit is not None:
            env.emit(AttemptFinished(call.id, call.trace_id, ended, attempt))


def _inlining_of(adapter: Adapter, env: Environment) -> Inlining | None:
    wants = getattr(adapter, "wants", None)
    if wants is None or env.fetch is None:
        return None
    # Imported here: most routers fetch nothing.
    from .inlining import Inlining

    return Inlining(wants, env.fetch, env.transport, env.clock)


def _no_model(params: Mapping[str, Any]) -> str:
    model = params.get("model")
    if model is None or model == "":
        return "body.model: missing; name one in the call, or for the target in override_params.model"
    return f"body.model: expected a text, got a value of type {type(model).__name__}"


def _stream_status(failure: Failure) -> int:
    return _STATUS.get(failure.kind, 502)


async def _authorized(wire: WireRequest, credentials: Credentials) -> WireRequest:
    """The request with its credentials, unless the call brought an Authorization of its own."""
    if any(name.lower() == "authorization" for name in wire.headers):
        return wire
    return await credentials.authorize(wire)


async def _prefix(reply: Exchanged, limit: int) -> bytes:
    """The first bytes of an error body; the rest is not worth reading. A cut body is as good as whole."""
    data = b""
    try:
        while len(data) < limit:
            more = await reply.read_some()
            if not more:
                reply.release()
                break
            data += more
    except TransportError:
        pass
    return data[:limit]


def _printable(text: str) -> str:
    short = text if len(text) <= 200 else text[:197] + "..."
    return "".join(char if char.isprintable() else "?" for char in short)
