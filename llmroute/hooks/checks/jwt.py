"""Verifies the caller's JSON Web Token. Whatever goes wrong, the verdict is false; it is never an error.

Parameters: `jwks` (a key set) or `jwksUri`; `headerKey` ("Authorization"); `algorithms` (["RS256"]);
`issuer`, `audience` (a text or a list); `requiredClaims`; `claimValues`, an object of
`{"values": ..., "matchType": ...}` by claim (see `support.matching`); `headerPayloadMatch`: members that the
token's header and payload share; `clockTolerance` (s, 5); `maxTokenAge` ("1d", "none" for any);
`cacheMaxAge` (s, 86400) for a key set that is fetched.
Source: the hosted product's documentation of its JWT validator; RFC 7519 and RFC 8725.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, Final, Protocol

import attrs

from ...config.primitives import found
from ...errors import MissingExtra
from ...patterns import PatternTimeout
from ...wire.json import JSONError, loads
from ..base import Check, FetchError, HookContext, Services, Verdict
from ..parameters import Parameters
from ..support import reading
from ..support.jwks import KeySet, RemoteKeys, key_problem
from ..support.matching import MATCH_TYPES, Expected, read_expected
from ..support.outgoing import read_url

MAX_TOKEN: Final = 16_384
_ALGORITHMS: Final = frozenset(
    f"{family}{bits}" for family in ("RS", "PS", "ES", "HS") for bits in (256, 384, 512)
) | {"EdDSA"}
_AGE = re.compile(r"(\d{1,9}) ?(s|m|h|d|w)[a-z]{0,6}", re.ASCII)
_UNITS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_BEARER = re.compile(r"bearer\s+", re.IGNORECASE)


class Keys(Protocol):
    """Where keys come from."""

    async def find(self, kid: str, algorithm: str) -> Any:
        """The key, None when there is none. Raises FetchError."""


def build(parameters: Parameters, services: Services) -> Check:
    """Raises MissingExtra without PyJWT and cryptography."""
    try:
        import cryptography  # noqa: F401
        import jwt  # noqa: F401
    except ImportError as error:
        raise MissingExtra("the check default.jwt needs: pip install 'llmroute[guardrails]'") from error
    algorithms = _read_algorithms(parameters)
    check = JWTCheck(
        keys=_read_keys(parameters, algorithms, services),
        header=parameters.text("headerKey", "Authorization", limit=200).lower(),
        algorithms=algorithms,
        claims=Claims(
            issuers=reading.text_or_texts(parameters, "issuer"),
            audiences=reading.text_or_texts(parameters, "audience"),
            required=parameters.texts("requiredClaims", (), limit=100),
            values=_read_claim_values(parameters),
            shared=parameters.texts("headerPayloadMatch", (), limit=100),
        ),
        tolerance=parameters.number("clockTolerance", 5, low=0, high=3_600),
        max_age=_read_age(parameters),
        services=services,
    )
    parameters.done()
    return check


# -- parameters --------------------------------------------------------------------------------------


def _read_algorithms(parameters: Parameters) -> frozenset[str]:
    names = parameters.texts("algorithms", ("RS256",), limit=20)
    for index, name in enumerate(names):
        if name not in _ALGORITHMS:
            known = ", ".join(sorted(_ALGORITHMS))
            parameters.problem(f"algorithms[{index}]", f"expected one of {known}, got {found(name)}")
    if not names:
        parameters.problem("algorithms", "expected at least one algorithm")
    return frozenset(names)


def _read_keys(parameters: Parameters, algorithms: frozenset[str], services: Services) -> Keys:
    inline = parameters.raw("jwks")
    remote = parameters.raw("jwksUri")
    max_age = parameters.number("cacheMaxAge", 86_400, low=1, high=2_592_000)
    if (inline is None) is (remote is None):
        parameters.problem("jwksUri", "expected either jwks or jwksUri")
    if inline is None:
        return RemoteKeys(read_url(parameters, "jwksUri") if remote is not None else "", max_age, services)
    keys = inline.get("keys") if isinstance(inline, Mapping) else None
    if not isinstance(keys, list) or not keys:
        parameters.problem("jwks", "expected an object with a list of keys")
        keys = []
    for index, key in enumerate(keys):
        problem = _inline_problem(key, algorithms)
        if problem is not None:
            parameters.problem(f"jwks.keys[{index}]", problem)
    return InlineKeys(KeySet(inline))


def _inline_problem(key: Any, algorithms: frozenset[str]) -> str | None:
    if not isinstance(key, Mapping) or not isinstance(key.get("kid"), str):
        return "expected a key with a kid"
    problems = [key_problem(key, algorithm) for algorithm in sorted(algorithms)]
    if problems and all(problems):
        return f"cannot be used for {', '.join(sorted(algorithms))}: it {problems[0]}"
    usable = [name for name, problem in zip(sorted(algorithms), problems, strict=True) if problem is None]
    kid = key["kid"]
    if usable and all(KeySet({"keys": [key]}).find(kid, name) is None for name in usable):
        return "is malformed or too weak"
    return None


def _read_claim_values(parameters: Parameters) -> dict[str, Expected]:
    values: dict[str, Expected] = {}
    for claim, entry in parameters.mapping("claimValues", {}).items():
        path = f"claimValues.{str(claim)[:60]}"
        if not isinstance(entry, Mapping):
            parameters.problem(path, f"expected an object with values, got {found(entry)}")
            continue
        section = reading.part(parameters, entry, path)
        match_type = section.choice("matchType", MATCH_TYPES, "exact")
        expected = read_expected(section, "values", section.raw("values"), match_type)
        section.done()
        if expected is not None:
            values[str(claim)] = expected
    return values


def _read_age(parameters: Parameters) -> float | None:
    """Seconds; None for tokens of any age."""
    value = parameters.raw("maxTokenAge")
    if value is None:
        return 86_400
    if value == "none":
        return None
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value < 1e10:
        return float(value)
    match = _AGE.fullmatch(value) if isinstance(value, str) else None
    if match is None or int(match[1]) == 0:
        text = "nothing" if value is None else found(value)
        parameters.problem("maxTokenAge", f"expected an age such as 30m, 12h or 1d, got {text}")
        return None
    return float(int(match[1]) * _UNITS[match[2]])


@attrs.frozen(eq=False)
class InlineKeys:
    """Keys out of the config."""

    keys: KeySet = attrs.field(repr=False)

    async def find(self, kid: str, algorithm: str) -> Any:
        """See Keys."""
        return self.keys.find(kid, algorithm)


# -- the check ---------------------------------------------------------------------------------------


class InvalidTokenError(Exception):
    """The token is not accepted; the text says why and quotes nothing of it."""


@attrs.frozen(eq=False)
class Claims:
    """What the claims of a token have to be like."""

    issuers: tuple[str, ...]
    audiences: tuple[str, ...]
    required: tuple[str, ...]
    values: Mapping[str, Expected]
    shared: tuple[str, ...]

    def validations(self, header: Mapping[str, Any], claims: Mapping[str, Any]) -> dict[str, Any]:
        """What was looked at, each with `valid`."""
        audience = claims.get("aud")
        audiences = audience if isinstance(audience, list) else [audience]
        missing = [name for name in self.required if claims.get(name) is None]
        failed = [name for name, expected in self.values.items() if not _matches(expected, claims.get(name))]
        differing = [name for name in self.shared if name not in header or header[name] != claims.get(name)]
        return {
            "issuer": {"valid": not self.issuers or claims.get("iss") in self.issuers},
            "audience": {"valid": not self.audiences or any(entry in self.audiences for entry in audiences)},
            "requiredClaims": {"valid": not missing, **({"missing": missing} if missing else {})},
            "claimValues": {"valid": not failed, **({"failed": failed} if failed else {})},
            "headerPayloadMatch": {"valid": not differing, **({"failed": differing} if differing else {})},
        }


def _matches(expected: Expected, value: Any) -> bool:
    try:
        return value is not None and expected.matches(value)
    except PatternTimeout:
        return False


@attrs.frozen(eq=False)
class JWTCheck:
    """The check. Times in seconds."""

    keys: Keys
    header: str
    algorithms: frozenset[str]
    claims: Claims
    tolerance: float
    max_age: float | None
    services: Services = attrs.field(repr=False)

    async def __call__(self, context: HookContext, /) -> Verdict:
        value = context.headers.get(self.header)
        if not value:
            return _refused("There is no authorization header.")
        token = _BEARER.sub("", value.strip(), count=1).strip()
        try:
            header, claims = await self._verified(token)
            self._check_times(claims)
        except InvalidTokenError as error:
            return _refused(f"The token is not accepted: {error}.")
        except FetchError:
            return _refused("The keys for tokens cannot be fetched.")
        except Exception as error:
            # Libraries that meet hostile tokens raise all kinds of errors. This check fails closed.
            return _refused(f"The token is not accepted: it cannot be read ({type(error).__name__}).")
        validations = self.claims.validations(header, claims)
        failed = [name for name, result in validations.items() if not result["valid"]]
        data = {"verdict": not failed, "validations": {"signatureValid": True, **validations}}
        if failed:
            return Verdict(False, {**data, "explanation": f"The token is not accepted: {', '.join(failed)}."})
        return Verdict(True, {**data, "explanation": "The token is valid."})

    async def _verified(self, token: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        """Header and claims of a token with a good signature. Raises InvalidTokenError and much else."""
        from jwt import PyJWS, get_unverified_header
        from jwt.exceptions import InvalidSignatureError

        if len(token) > MAX_TOKEN or token.count(".") != 2:
            raise InvalidTokenError("it is no token")
        header = get_unverified_header(token)
        algorithm, kid = header.get("alg"), header.get("kid")
        if not isinstance(algorithm, str) or algorithm not in self.algorithms:
            raise InvalidTokenError("its algorithm is not allowed")
        if "crit" in header or "b64" in header:
            raise InvalidTokenError("it asks for extensions")
        key = await self.keys.find(kid, algorithm) if isinstance(kid, str) else None
        if key is None:
            raise InvalidTokenError("there is no key for it")
        try:
            decoded = PyJWS(algorithms=[algorithm]).decode_complete(token, key.key, algorithms=[algorithm])
        except InvalidSignatureError:
            raise InvalidTokenError("its signature is wrong") from None
        claims = _parsed(decoded["payload"])
        return header, claims

    def _check_times(self, claims: Mapping[str, Any]) -> None:
        """RFC 7519, 4.1.4 to 4.1.6. Raises InvalidTokenError."""
        now = self.services.clock.time()
        expires, begins, issued = (_moment(claims, name) for name in ("exp", "nbf", "iat"))
        if expires is not None and now - self.tolerance >= expires:
            raise InvalidTokenError("it has expired")
        if begins is not None and now + self.tolerance < begins:
            raise InvalidTokenError("it is not valid yet")
        if self.max_age is None:
            return
        if issued is None:
            raise InvalidTokenError("it does not say when it was issued")
        if issued > now + self.tolerance:
            raise InvalidTokenError("it was issued in the future")
        if now - issued > self.max_age + self.tolerance:
            raise InvalidTokenError("it is too old")


def _parsed(payload: bytes) -> Mapping[str, Any]:
    try:
        claims = loads(payload)
    except JSONError:
        claims = None
    if not isinstance(claims, dict):
        raise InvalidTokenError("its claims are no object")
    return claims


def _moment(claims: Mapping[str, Any], name: str) -> float | None:
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise InvalidTokenError(f"its {name} is no time")
    return float(value)


def _refused(explanation: str) -> Verdict:
    return Verdict(False, {"verdict": False, "explanation": explanation})
