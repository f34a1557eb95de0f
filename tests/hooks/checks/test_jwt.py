"""jwt: the caller's token is verified, and whatever goes wrong the verdict is false and no error."""

from __future__ import annotations

import asyncio
import json
import sys
from base64 import urlsafe_b64encode

import jwt
import pytest
from ask_kit import Service, asked, before, built, problems_of, reply, services, unreachable
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from engine_kit import Rig, target
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from llmroute.errors import MissingExtra
from llmroute.testing import VirtualClock, hang

CLOCK = VirtualClock()
NOW = CLOCK.time()
RSA = rsa.generate_private_key(65537, 2048)
OTHER = rsa.generate_private_key(65537, 2048)
WEAK = rsa.generate_private_key(65537, 1024)
EC = ec.generate_private_key(ec.SECP256R1())
ED = ed25519.Ed25519PrivateKey.generate()
SHARED = b"0123456789abcdef0123456789abcdef"
URI = "https://id.example/jwks.json"


def jwk(key, kid="k1", **more):
    kinds = {rsa.RSAPrivateKey: RSAAlgorithm, ec.EllipticCurvePrivateKey: ECAlgorithm}
    maker = next((maker for kind, maker in kinds.items() if isinstance(key, kind)), OKPAlgorithm)
    return {**json.loads(maker.to_jwk(key.public_key())), "kid": kid, **more}


def oct_key(secret, **more):
    return {"kty": "oct", "k": urlsafe_b64encode(secret).decode().rstrip("="), "kid": "k1", **more}


def token(key=RSA, alg="RS256", kid="k1", header=(), claims=(), **more):
    """A signed token; a claim of None is left out."""
    claims = {"iat": NOW - 10, "exp": NOW + 600, **dict(claims), **more}
    payload = json.dumps({name: value for name, value in claims.items() if value is not None}).encode()
    headers = {**dict(header), **({"kid": kid} if kid is not None else {})}
    return jwt.PyJWS().encode(payload, key, algorithm=alg, headers=headers)


def raw(header, claims=None, signature=b"x"):
    parts = [json.dumps(header).encode(), json.dumps(claims or {"iat": NOW}).encode(), signature]
    return ".".join(urlsafe_b64encode(part).decode().rstrip("=") for part in parts)


async def verified(text, service=None, key="authorization", **parameters):
    """The verdict on a token; with the RSA key inline unless the parameters say otherwise."""
    if "jwksUri" not in parameters:
        parameters = {"jwks": {"keys": [jwk(RSA)]}, **parameters}
    check = built("jwt", parameters, services(service, CLOCK))
    return await asked(check, before(headers={} if text is None else {key: text}))


async def passes(text, **parameters):
    verdict = await verified(text, **parameters)
    assert verdict.error is None
    return verdict.passed


async def test_a_good_token_passes():
    """Signature, times and claims; the documented report says what was looked at."""
    verdict = await verified(f"Bearer {token()}")

    assert (True, None) == (verdict.passed, verdict.error)
    assert verdict.data["verdict"] is True
    assert verdict.data["validations"]["signatureValid"] is True


@pytest.mark.parametrize("prefix", ["", "Bearer ", "bearer  ", "BEARER\t"])
async def test_the_prefix_does_not_matter(prefix):
    """Nor does the case of the header's name, which never matched in the reference."""
    assert await passes(prefix + token())
    assert await passes(prefix + token(), key="x-token", headerKey="X-Token")
    assert not await passes(prefix + token(), key="x-token")


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "Bearer ",
        "garbage",
        "a.b.c",
        "a.b",
        "..",
        "\u00e9.\u00e9.\u00e9",
        "x" * 20_000,
        raw({"alg": "RS256", "kid": "k1"}),
        raw({"alg": "none", "kid": "k1"}, signature=b""),
        raw({"alg": "None", "kid": "k1"}),
        raw({"alg": ["RS256"], "kid": "k1"}),
        raw({"alg": "RS256", "kid": ["k1"]}),
        raw({"kid": "k1"}),
        raw([]),
        raw({"alg": "RS256", "kid": "k1", "crit": ["b64"], "b64": False}),
    ],
)
async def test_what_is_no_token_never_passes(text):
    """It is no error either: an error passes under many policies."""
    assert not await passes(text)


@pytest.mark.parametrize(
    "text",
    [
        token(OTHER),
        token(kid="other"),
        token(kid=None),
        token()[:-4] + "AAAA",
        token(header={"crit": ["x"], "x": 1}),
        token(alg="RS512"),
    ],
)
async def test_another_key_or_algorithm_never_passes(text):
    """Keys are chosen by id, algorithms by the config."""
    assert not await passes(text)


async def test_a_public_key_is_no_shared_secret():
    """The classic confusion: signed with HMAC and the public key as secret."""
    import hashlib
    import hmac

    head = raw({"alg": "HS256", "kid": "k1"}).rpartition(".")[0]
    secret = json.dumps(jwk(RSA)).encode()
    signature = urlsafe_b64encode(hmac.digest(secret, head.encode(), hashlib.sha256)).decode().rstrip("=")

    assert not await passes(f"{head}.{signature}", algorithms=["RS256", "HS256"])


@pytest.mark.parametrize(
    ("key", "alg", "public"),
    [
        (RSA, "RS384", jwk(RSA)),
        (RSA, "PS256", jwk(RSA)),
        (EC, "ES256", jwk(EC)),
        (ED, "EdDSA", jwk(ED)),
        (SHARED, "HS256", oct_key(SHARED)),
        (RSA, "RS256", jwk(RSA, alg="RS256", use="sig", key_ops=["verify"])),
    ],
)
async def test_the_usual_algorithms_are_there(key, alg, public):
    """Each only where the config allows it."""
    text = token(key, alg)

    assert await passes(text, jwks={"keys": [public]}, algorithms=[alg])
    assert not await passes(
        text, algorithms=["ES384"], jwksUri=URI, service=Service(reply({"keys": [public]}))
    )


@pytest.mark.parametrize(
    ("public", "algorithms", "problem"),
    [
        (jwk(RSA, alg="RS512"), ["RS256"], "it is for another algorithm"),
        (jwk(RSA, use="enc"), ["RS256"], "it is not for signatures"),
        (jwk(RSA, key_ops=["sign"]), ["RS256"], "it is not for verifying"),
        (jwk(RSA), ["ES256"], "it is a key of another type"),
        (jwk(EC), ["ES384"], "it is on another curve"),
        (jwk(WEAK), ["RS256"], "is malformed or too weak"),
        (oct_key(b"short"), ["HS256"], "is malformed or too weak"),
        ({"kty": "RSA", "kid": "k"}, ["RS256"], "is malformed or too weak"),
        ({"kty": "RSA"}, ["RS256"], "expected a key with a kid"),
        (5, ["RS256"], "expected a key with a kid"),
    ],
)
async def test_a_key_that_cannot_be_used_is_refused(public, algorithms, problem):
    """Inline when the config is read; a fetched one is passed over."""
    found = problems_of("jwt", {"jwks": {"keys": [public]}, "algorithms": algorithms})
    assert any(problem in text for text in found)

    service = Service(reply({"keys": [public]}))
    assert not await passes(token(), jwksUri=URI, algorithms=algorithms, service=service)


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ({"exp": NOW - 4}, True),
        ({"exp": NOW - 5}, False),
        ({"exp": NOW - 3_600}, False),
        ({"exp": None}, True),
        ({"exp": "soon"}, False),
        ({"exp": True}, False),
        ({"nbf": NOW + 5}, True),
        ({"nbf": NOW + 6}, False),
        ({"iat": NOW + 6}, False),
        ({"iat": None}, False),
        ({"iat": NOW - 86_405}, True),
        ({"iat": NOW - 86_406}, False),
        ({"iat": "x"}, False),
    ],
)
async def test_times_are_kept_with_a_tolerance(claims, expected):
    """Five seconds; a token is a day old at most, and says when it was issued."""
    assert expected is await passes(token(claims=claims))


async def test_tolerance_and_age_are_parameters():
    """A tolerance of zero is none, which the reference does not believe."""
    assert not await passes(token(exp=NOW), clockTolerance=0)
    assert await passes(token(exp=NOW - 50), clockTolerance=60)
    assert not await passes(token(iat=NOW - 1_900), maxTokenAge="30m")
    assert await passes(token(iat=NOW - 7_000), maxTokenAge="2 hours")
    assert not await passes(token(iat=NOW - 100), maxTokenAge=60)
    assert await passes(token(iat=None), maxTokenAge="none")


@pytest.mark.parametrize(
    ("parameters", "claims", "expected"),
    [
        ({"issuer": "https://id.example"}, {"iss": "https://id.example"}, True),
        ({"issuer": ["a", "b"]}, {"iss": "b"}, True),
        ({"issuer": "a"}, {"iss": ["a"]}, False),
        ({"issuer": "a"}, {}, False),
        ({"audience": "api"}, {"aud": ["web", "api"]}, True),
        ({"audience": ["api", "x"]}, {"aud": "api"}, True),
        ({"audience": "api"}, {"aud": "api2"}, False),
        ({"audience": "api"}, {}, False),
        ({"requiredClaims": ["sub", "email"]}, {"sub": "1"}, False),
        ({"requiredClaims": ["sub"]}, {"sub": "1"}, True),
        ({"claimValues": {"iss": {"values": "a"}}}, {"iss": "a"}, True),
        ({"claimValues": {"iss": {"values": "a"}}}, {"iss": ["a"]}, False),
        (
            {"claimValues": {"groups": {"values": ["admin", "x"], "matchType": "contains"}}},
            {"groups": ["x"]},
            True,
        ),
        (
            {"claimValues": {"tenant": {"values": ["t-1"], "matchType": "contains"}}},
            {"tenant": "t-12"},
            False,
        ),
        (
            {"claimValues": {"scope": {"values": ["r", "w"], "matchType": "containsAll"}}},
            {"scope": "w r x"},
            True,
        ),
        (
            {"claimValues": {"scope": {"values": ["r", "w"], "matchType": "containsAll"}}},
            {"scope": "r"},
            False,
        ),
        (
            {"claimValues": {"email": {"values": r"@a\.com$", "matchType": "regex"}}},
            {"email": "x@a.com"},
            True,
        ),
        (
            {"claimValues": {"email": {"values": r"@a\.com$", "matchType": "regex"}}},
            {"email": "x@a.com.b"},
            False,
        ),
        (
            {"claimValues": {"x": {"values": "^(a+)+$", "matchType": "regex"}}},
            {"x": "a" * 5_000 + "!"},
            False,
        ),
        ({"claimValues": {"x": {"values": ".*", "matchType": "regex"}}}, {}, False),
        ({"headerPayloadMatch": ["kid"]}, {"kid": "k1"}, True),
        ({"headerPayloadMatch": ["kid"]}, {"kid": "k2"}, False),
        ({"headerPayloadMatch": ["tid"]}, {}, False),
    ],
)
async def test_claims_are_compared_as_documented(parameters, claims, expected):
    """Issuer and audience, presence, values in four ways, and members of the header."""
    assert expected is await passes(token(claims=claims), **parameters)


async def test_the_report_names_claims_and_no_values():
    """What is missing or wrong, never what it was."""
    parameters = {"requiredClaims": ["email"], "claimValues": {"groups": {"values": "admin"}}}

    verdict = await verified(token(groups="s3cret"), **parameters)

    assert {"valid": False, "missing": ["email"]} == verdict.data["validations"]["requiredClaims"]
    assert {"valid": False, "failed": ["groups"]} == verdict.data["validations"]["claimValues"]
    assert "s3cret" not in str(verdict.data)
    assert "requiredClaims, claimValues" in verdict.data["explanation"]


# -- key sets that are fetched -----------------------------------------------------------------------


def remote(service, clock, **parameters):
    """A function that verifies with one check and so with one cache."""
    check = built("jwt", {"jwksUri": URI, "maxTokenAge": "none", **parameters}, services(service, clock))

    async def verify(text):
        verdict = await asked(check, before(headers={"authorization": text}))
        assert verdict.error is None
        return verdict.passed

    return verify


GOOD = token(exp=None)


async def test_a_key_set_is_fetched_once_and_kept():
    """For `cacheMaxAge` seconds; the URL is the config's word, the answer is limited."""
    clock, service = VirtualClock(), Service(reply({"keys": [jwk(RSA)]}))
    verify = remote(service, clock, cacheMaxAge=100)

    assert await verify(GOOD)
    assert await verify(GOOD)
    assert 1 == len(service.calls)
    assert ("GET", URI, True) == (
        service.calls[0]["method"],
        service.calls[0]["url"],
        service.calls[0]["trusted"],
    )
    await clock.advance(101)
    assert await verify(GOOD)
    assert 2 == len(service.calls)


async def test_calls_at_the_same_time_share_one_fetch():
    """Also where it fails."""
    clock, gate = VirtualClock(), asyncio.Event()

    async def slow(method, url):
        await gate.wait()
        return reply({"keys": [jwk(RSA)]})

    service = Service(slow)
    verify = remote(service, clock)
    tasks = [asyncio.ensure_future(verify(GOOD)) for _ in range(5)]
    await asyncio.sleep(0)
    gate.set()

    assert [True] * 5 == await asyncio.gather(*tasks)
    assert 1 == len(service.calls)


async def test_a_cancelled_fetch_hands_over():
    """Who waits behind it fetches for itself."""
    clock, first = VirtualClock(), asyncio.Event()

    async def answer(method, url):
        if not first.is_set():
            first.set()
            await asyncio.Event().wait()
        return reply({"keys": [jwk(RSA)]})

    verify = remote(Service(answer), clock)
    leader = asyncio.ensure_future(verify(GOOD))
    await first.wait()
    follower = asyncio.ensure_future(verify(GOOD))
    await asyncio.sleep(0)
    leader.cancel()

    assert await follower


async def test_an_unknown_key_makes_for_a_new_fetch_but_not_often():
    """Keys rotate; strangers must not make the host call its identity provider for every token."""
    clock = VirtualClock()
    service = Service(reply({"keys": [jwk(OTHER, "old")]}), reply({"keys": [jwk(RSA)]}))
    verify = remote(service, clock)

    assert not await verify(GOOD)
    assert 1 == len(service.calls)
    await clock.advance(31)
    assert await verify(GOOD)
    for _ in range(5):
        assert not await verify(token(kid="stranger"))
    assert 2 == len(service.calls)


@pytest.mark.parametrize(
    "answer",
    [
        unreachable(),
        unreachable("timeout"),
        unreachable("too_large"),
        reply({"keys": [jwk(RSA)]}, 500),
        reply({"keys": [jwk(RSA)]}, 302),
        reply({"keys": []}),
        reply({"keys": 5}),
        reply([]),
        reply(b"{"),
    ],
)
async def test_without_keys_nothing_passes(answer):
    """After a failure there is a pause; a token must not start a fetch each."""
    clock, service = VirtualClock(), Service(answer)
    verify = remote(service, clock)

    assert not await verify(GOOD)
    assert not await verify(GOOD)
    assert 1 == len(service.calls)
    await clock.advance(6)
    assert not await verify(GOOD)
    assert 2 == len(service.calls)


async def test_keys_that_are_too_old_are_not_used():
    """A set that cannot be fetched again is of no use after its time, and good until then."""
    clock, service = VirtualClock(), Service(reply({"keys": [jwk(RSA)]}), unreachable())
    verify = remote(service, clock, cacheMaxAge=100)

    assert await verify(GOOD)
    await clock.advance(99)
    assert await verify(GOOD)
    await clock.advance(2)
    assert not await verify(GOOD)


# -- in a router -------------------------------------------------------------------------------------


@pytest.mark.parametrize("policy", [{}, {"guardrail_errors": "pass"}])
async def test_no_policy_lets_a_token_pass_that_was_not_judged(policy):
    """Not even where the hook's time runs out before the keys are there, and errors are said to pass."""
    hook = {"jwt": {"jwksUri": "http://a.example/jwks", "failOnError": False}, "deny": True, "timeout": 50}

    rig = Rig({**target("a"), "input_guardrails": [hook]}, hang(), **policy)

    answer = await rig.handle({"authorization": f"Bearer {GOOD}"})

    assert 446 == answer.status


# -- parameters --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parameters", "problem"),
    [
        ({}, "p.jwksUri: expected either jwks or jwksUri"),
        ({"jwks": {"keys": [jwk(RSA)]}, "jwksUri": URI}, "p.jwksUri: expected either"),
        ({"jwks": {"keys": []}}, "p.jwks: expected an object with a list of keys"),
        ({"jwks": []}, "p.jwks: expected an object with a list of keys"),
        ({"jwksUri": "id.example"}, "p.jwksUri: not a URL"),
        ({"jwksUri": "http://169.254.169.254/"}, "p.jwksUri: a cloud metadata endpoint"),
        ({"jwksUri": URI, "algorithms": ["none"]}, "p.algorithms[0]: expected one of"),
        ({"jwksUri": URI, "algorithms": []}, "p.algorithms: expected at least one"),
        ({"jwksUri": URI, "maxTokenAge": "1 fortnight"}, "p.maxTokenAge: expected an age"),
        ({"jwksUri": URI, "maxTokenAge": 0}, "p.maxTokenAge: expected an age"),
        ({"jwksUri": URI, "clockTolerance": -1}, "p.clockTolerance: expected a number"),
        ({"jwksUri": URI, "claimValues": {"a": "b"}}, "p.claimValues.a: expected an object with values"),
        ({"jwksUri": URI, "claimValues": {"a": {"value": "b"}}}, "did you mean 'values'?"),
        (
            {"jwksUri": URI, "claimValues": {"a": {"values": "b", "matchType": "x"}}},
            "p.claimValues.a.matchType",
        ),
        ({"jwksUri": URI, "introspectEndpoint": "x"}, "p.introspectEndpoint: unknown parameter"),
    ],
)
def test_wrong_parameters_are_refused(parameters, problem):
    """Before any call."""
    assert any(problem in found for found in problems_of("jwt", parameters))


def test_the_extra_is_named_where_it_is_missing(monkeypatch):
    """When the plan is built, not when a token comes."""
    monkeypatch.setitem(sys.modules, "jwt", None)

    with pytest.raises(MissingExtra, match=r"llmroute\[guardrails\]"):
        problems_of("jwt", {"jwksUri": URI})
