"""Who is calling: signatures with given, assumed and found keys, Bedrock API keys, and what fails."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

import bedrock_kit as kit
import pytest

from llmroute import AuthenticationError, Config, ConfigError, Router
from llmroute.providers.auth.sigv4 import AwsKeys, Signer
from llmroute.testing import Reply, ScriptedTransport, VirtualClock
from llmroute.testing.transport import SentRequest

KEYS = {"aws_access_key_id": "AKIDEXAMPLE", "aws_secret_access_key": "secret+key"}
ROLE = {"aws_role_arn": "arn:aws:iam::123456789012:role/models", "aws_external_id": "ext 1"}
ANSWER = Reply(steps=[json.dumps(kit.message([{"text": "Fastnet."}])).encode()])
HELLO: dict[str, Any] = {"model": kit.CLAUDE, "messages": kit.HELLO}
VARIABLES = (
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_PROFILE",
    "AWS_BEARER_TOKEN_BEDROCK",
    "AWS_ASSUME_ROLE_ACCESS_KEY_ID",
    "AWS_ASSUME_ROLE_SECRET_ACCESS_KEY",
    "AWS_ASSUME_ROLE_SOURCE_ARN",
    "AWS_ASSUME_ROLE_SOURCE_EXTERNAL_ID",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
)


class Amazon(ScriptedTransport):
    """Bedrock and STS in one; unlike other scripted transports it wants credentials."""

    keyless = False


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> pytest.MonkeyPatch:
    """A machine without any AWS credentials."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    return monkeypatch


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


def role_reply(number: int, *, minutes: int = 60, clock: VirtualClock | None = None) -> Reply:
    """What STS answers: keys that end after some minutes of the clock."""
    import datetime

    start = clock.time() if clock is not None else 1_700_000_000.0
    ends = datetime.datetime.fromtimestamp(start + 60 * minutes, datetime.UTC)
    text = f"""<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult>
    <AssumedRoleUser><Arn>arn:aws:sts::123456789012:assumed-role/models/llmroute</Arn></AssumedRoleUser>
    <Credentials><AccessKeyId>ASIA{number}</AccessKeyId><SecretAccessKey>s&amp;{number}</SecretAccessKey>
    <SessionToken>token{number}==</SessionToken><Expiration>{ends:%Y-%m-%dT%H:%M:%SZ}</Expiration></Credentials>
    </AssumeRoleResult></AssumeRoleResponse>"""
    return Reply(headers={"content-type": "text/xml"}, steps=[text.encode()])


def is_signed_by(sent: SentRequest, keys: AwsKeys, clock: VirtualClock, region: str = "us-east-1") -> bool:
    """Whether the request holds exactly the signature that `keys` make."""
    service = "sts" if "//sts." in sent.url else "bedrock"
    bare = {"content-type": sent.headers["content-type"]}
    wire = type(sent.wire)(sent.wire.url, bare, sent.body)
    expected = Signer(service, region).sign(wire, keys, clock.time()).headers
    return expected["authorization"] == sent.headers["authorization"]


async def call(config: Any, transport: Amazon, clock: VirtualClock, **options: Any) -> Any:
    async with Router(config, transport=transport, clock=clock, **options) as router:
        return await router.chat.completions.create(**HELLO)


# -- given keys --------------------------------------------------------------


async def test_given_keys_sign_the_request(clock: VirtualClock) -> None:
    """The final URL and body, for the region of the config."""
    amazon = Amazon(ANSWER)
    config = {"provider": "bedrock", "aws_region": "eu-west-1", **KEYS}
    completion = await call(config, amazon, clock)
    (sent,) = amazon.requests

    assert "Fastnet." == completion.choices[0].message.content
    assert "https://bedrock-runtime.eu-west-1.amazonaws.com/model/" in sent.url
    assert is_signed_by(sent, AwsKeys("AKIDEXAMPLE", "secret+key"), clock, "eu-west-1")


async def test_a_session_token_is_sent_and_signed(clock: VirtualClock) -> None:
    """As x-amz-security-token."""
    amazon = Amazon(ANSWER)
    await call({"provider": "bedrock", **KEYS, "aws_session_token": "tok"}, amazon, clock)

    assert "tok" == amazon.requests[0].headers["x-amz-security-token"]
    assert is_signed_by(amazon.requests[0], AwsKeys("AKIDEXAMPLE", "secret+key", "tok"), clock)


async def test_given_keys_come_before_an_api_key(clock: VirtualClock) -> None:
    """The gateway's clients send an Authorization header beside them."""
    amazon = Amazon(ANSWER)
    await call({"provider": "bedrock", "api_key": "k", **KEYS}, amazon, clock)

    assert amazon.requests[0].headers["authorization"].startswith("AWS4-HMAC-SHA256 ")


async def test_keys_may_be_named_variables(clock: VirtualClock, environment: pytest.MonkeyPatch) -> None:
    """`env:NAME`, read at the first call."""
    amazon = Amazon(ANSWER)
    config = {"provider": "bedrock", **KEYS, "aws_secret_access_key": "env:MODEL_SECRET"}
    with pytest.raises(AuthenticationError, match="'MODEL_SECRET' is not set"):
        await call(config, amazon, clock)
    environment.setenv("MODEL_SECRET", "from env")
    await call(config, amazon, clock)

    assert is_signed_by(amazon.requests[0], AwsKeys("AKIDEXAMPLE", "from env"), clock)


async def test_a_variable_that_is_not_set_is_a_local_401(
    environment: pytest.MonkeyPatch, clock: VirtualClock
) -> None:
    """Nothing is sent, and what is missing is named."""
    environment.delenv("NO_SUCH_SECRET", raising=False)
    amazon = Amazon(ANSWER)
    keys = {"aws_access_key_id": "AKID", "aws_secret_access_key": "env:NO_SUCH_SECRET"}
    with pytest.raises(AuthenticationError, match="NO_SUCH_SECRET"):
        await call({"provider": "bedrock", **keys}, amazon, clock)

    assert [] == amazon.requests


async def test_the_signature_covers_what_the_call_adds(clock: VirtualClock) -> None:
    """`extra_query` is part of the URL when it is signed."""
    amazon = Amazon(ANSWER)
    async with Router({"provider": "bedrock", **KEYS}, transport=amazon, clock=clock) as router:
        await router.chat.completions.create(**HELLO, extra_query={"b": "1 2", "a": "x"})
    (sent,) = amazon.requests

    assert "a=x" in sent.url
    assert is_signed_by(sent, AwsKeys("AKIDEXAMPLE", "secret+key"), clock)


async def test_an_authorization_of_the_call_stands(clock: VirtualClock) -> None:
    """Whoever brings one by name wants no signature."""
    amazon = Amazon(ANSWER)
    async with Router({"provider": "bedrock", **KEYS}, transport=amazon, clock=clock) as router:
        await router.chat.completions.create(**HELLO, extra_headers={"Authorization": "Bearer mine"})

    assert "Bearer mine" == amazon.requests[0].headers["authorization"]


# -- API keys ----------------------------------------------------------------


@pytest.mark.parametrize("members", [{"api_key": "k"}, {"api_key": "k", "aws_auth_type": "apiKey", **KEYS}])
async def test_an_api_key_is_a_bearer_token(clock: VirtualClock, members: dict[str, Any]) -> None:
    """An api_key alone, or with the type that says so."""
    amazon = Amazon(ANSWER)
    await call({"provider": "bedrock", **members}, amazon, clock)

    assert "Bearer k" == amazon.requests[0].headers["authorization"]
    assert "x-amz-date" not in amazon.requests[0].headers


@pytest.mark.parametrize("members", [{}, {"aws_auth_type": "apiKey"}])
async def test_the_usual_variable_holds_an_api_key(
    clock: VirtualClock, environment: pytest.MonkeyPatch, members: dict[str, Any]
) -> None:
    """AWS_BEARER_TOKEN_BEDROCK comes before the keys of the process, as with Amazon's own clients."""
    environment.setenv("AWS_BEARER_TOKEN_BEDROCK", "bedrock-api-key-1")
    environment.setenv("AWS_ACCESS_KEY_ID", "AKID")
    environment.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    amazon = Amazon(ANSWER)
    await call({"provider": "bedrock", **members}, amazon, clock)

    assert "Bearer bedrock-api-key-1" == amazon.requests[0].headers["authorization"]


# -- what the process has ----------------------------------------------------


async def test_keys_and_region_of_the_process(clock: VirtualClock, environment: pytest.MonkeyPatch) -> None:
    """The usual variables, for targets that bring nothing."""
    environment.setenv("AWS_ACCESS_KEY_ID", "AKID")
    environment.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    environment.setenv("AWS_SESSION_TOKEN", "tok")
    environment.setenv("AWS_REGION", "eu-central-1")
    amazon = Amazon(ANSWER)
    await call({"provider": "bedrock"}, amazon, clock)

    assert "bedrock-runtime.eu-central-1.amazonaws.com" == amazon.requests[0].host
    assert is_signed_by(amazon.requests[0], AwsKeys("AKID", "secret", "tok"), clock, "eu-central-1")


async def test_a_profile_is_found_by_botocore(environment: pytest.MonkeyPatch, tmp_path: Any) -> None:
    """What botocore knows of: here the shared credentials file."""
    pytest.importorskip("botocore")
    (tmp_path / "credentials").write_text("[default]\naws_access_key_id = FILE\naws_secret_access_key = s\n")
    amazon = Amazon(ANSWER)
    async with Router({"provider": "bedrock"}, transport=amazon) as router:
        await router.chat.completions.create(**HELLO)

    assert "Credential=FILE/" in amazon.requests[0].headers["authorization"]


async def test_a_machine_without_credentials_is_a_local_401() -> None:
    """Nothing is sent; the message names the target and what would help."""
    pytest.importorskip("botocore")
    amazon = Amazon(ANSWER)
    async with Router({"provider": "bedrock"}, transport=amazon) as router:
        with pytest.raises(AuthenticationError, match=r"^config: AWS credentials .* are nowhere to be found"):
            await router.chat.completions.create(**HELLO)

    assert [] == amazon.requests


async def test_the_next_target_takes_over() -> None:
    """A target without credentials is an ordinary failing outcome."""
    pytest.importorskip("botocore")
    amazon = Amazon(ANSWER)
    targets = [{"provider": "bedrock"}, {"provider": "bedrock", **KEYS}]
    async with Router({"strategy": {"mode": "fallback"}, "targets": targets}, transport=amazon) as router:
        completion = await router.chat.completions.create(**HELLO)

    assert "config.targets[1]" == completion.route.target
    assert [401, 200] == [attempt.status for attempt in completion.route.attempts]


async def test_untrusted_configs_get_nothing_of_the_process(environment: pytest.MonkeyPatch) -> None:
    """Neither keys nor API key nor region of the environment, nor variables by name."""
    environment.setenv("AWS_ACCESS_KEY_ID", "AKID")
    environment.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    environment.setenv("AWS_BEARER_TOKEN_BEDROCK", "bearer")
    environment.setenv("AWS_REGION", "eu-central-1")
    amazon = Amazon(ANSWER)
    for members, told in (
        ({}, "has no credentials"),
        ({"aws_auth_type": "apiKey"}, "has no API key"),
        ({**ROLE}, "has no keys to assume a role with"),
    ):
        async with Router(
            Config({"provider": "bedrock", **members}, trusted=False), transport=amazon
        ) as router:
            with pytest.raises(AuthenticationError, match=told):
                await router.chat.completions.create(**HELLO)
    async with Router(Config({"provider": "bedrock", **KEYS}, trusted=False), transport=amazon) as router:
        await router.chat.completions.create(**HELLO)
    named = {"provider": "bedrock", **KEYS, "aws_secret_access_key": "env:AWS_SECRET_ACCESS_KEY"}
    with pytest.raises(ConfigError, match="aws_secret_access_key"):
        Router(Config(named, trusted=False), transport=amazon)

    assert ["bedrock-runtime.us-east-1.amazonaws.com"] == [sent.host for sent in amazon.requests]


def test_required_keys_are_checked_without_io(environment: pytest.MonkeyPatch) -> None:
    """`require_keys` names what is missing for certain; what only a machine can tell is not."""
    amazon = Amazon(ANSWER)
    with pytest.raises(ConfigError, match=r"config\.targets\[0\]\.api_key: .*NO_SUCH_SECRET"):
        Router(
            {
                "strategy": {"mode": "fallback"},
                "targets": [
                    {
                        "provider": "bedrock",
                        "aws_access_key_id": "A",
                        "aws_secret_access_key": "env:NO_SUCH_SECRET",
                    },
                    {"provider": "bedrock", **KEYS},
                ],
            },
            transport=amazon,
            require_keys=True,
        )
    environment.setenv("AWS_BEARER_TOKEN_BEDROCK", "bearer")
    Router({"provider": "bedrock"}, transport=amazon, require_keys=True)


# -- roles -------------------------------------------------------------------


def amazon_with_roles(clock: VirtualClock, *, minutes: int = 60) -> Amazon:
    """STS numbers the keys it gives."""
    given = iter(range(1, 100))

    def play(sent: SentRequest) -> Reply:
        return role_reply(next(given), minutes=minutes, clock=clock) if "//sts." in sent.url else ANSWER

    return Amazon(play, clock)


def form_of(sent: SentRequest) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(sent.body.decode()).items()}


async def test_a_role_is_assumed_with_the_given_keys(clock: VirtualClock) -> None:
    """One signed request to STS of the region, then requests with the role's keys and token."""
    amazon = amazon_with_roles(clock)
    config = {
        "provider": "bedrock",
        "aws_region": "eu-west-1",
        "aws_auth_type": "assumedRole",
        **KEYS,
        **ROLE,
    }
    await call(config, amazon, clock)
    sts, bedrock = amazon.requests

    assert "https://sts.eu-west-1.amazonaws.com/" == sts.url
    assert {
        "Action": "AssumeRole",
        "Version": "2011-06-15",
        "RoleArn": ROLE["aws_role_arn"],
        "RoleSessionName": "llmroute",
        "ExternalId": "ext 1",
    } == form_of(sts)
    assert is_signed_by(sts, AwsKeys("AKIDEXAMPLE", "secret+key"), clock, "eu-west-1")
    assert is_signed_by(bedrock, AwsKeys("ASIA1", "s&1", "token1=="), clock, "eu-west-1")


async def test_the_process_may_have_a_role_between(
    clock: VirtualClock, environment: pytest.MonkeyPatch
) -> None:
    """Two hops, with the gateway's variables: its own role first, the target's with that one's keys."""
    environment.setenv("AWS_ASSUME_ROLE_ACCESS_KEY_ID", "HOST")
    environment.setenv("AWS_ASSUME_ROLE_SECRET_ACCESS_KEY", "hs")
    environment.setenv("AWS_ASSUME_ROLE_SOURCE_ARN", "arn:aws:iam::1:role/host")
    amazon = amazon_with_roles(clock)
    await call({"provider": "bedrock", **ROLE}, amazon, clock)
    first, second, bedrock = amazon.requests

    assert ["arn:aws:iam::1:role/host", ROLE["aws_role_arn"]] == [
        form_of(s)["RoleArn"] for s in (first, second)
    ]
    assert is_signed_by(first, AwsKeys("HOST", "hs"), clock)
    assert is_signed_by(second, AwsKeys("ASIA1", "s&1", "token1=="), clock)
    assert is_signed_by(bedrock, AwsKeys("ASIA2", "s&2", "token2=="), clock)


async def test_a_role_is_shared_and_renewed_before_its_end(clock: VirtualClock) -> None:
    """Many calls, targets and plans at once ask STS once; five minutes before the end, once more."""
    amazon = amazon_with_roles(clock)
    target = {"provider": "bedrock", **KEYS, **ROLE}
    config = {"strategy": {"mode": "loadbalance"}, "targets": [target, {**target, "weight": 2}]}

    def asked() -> int:
        return sum("//sts." in sent.url for sent in amazon.requests)

    async with Router(config, transport=amazon, clock=clock) as router:
        other = router.with_options(config=target)
        calls = [r.chat.completions.create(**HELLO) for r in (router, other) for _ in range(10)]
        await asyncio.gather(*calls)
        assert 1 == asked()
        await clock.sleep(3299)
        await router.chat.completions.create(**HELLO)
        assert 1 == asked()
        await clock.sleep(2)
        await other.chat.completions.create(**HELLO)
        assert 2 == asked()
        assert "token2==" == amazon.requests[-1].headers["x-amz-security-token"]


async def test_keys_that_have_expired_are_asked_for_once_more(clock: VirtualClock) -> None:
    """Amazon says so with a 403 of its own kind; other refusals are not repeated."""
    given = iter(range(1, 100))

    def play(sent: SentRequest) -> Reply:
        if "//sts." in sent.url:
            return role_reply(next(given), clock=clock)
        if sent.headers["x-amz-security-token"] == "token1==":
            body = b'{"message":"The security token included in the request is expired"}'
            return Reply(403, {"x-amzn-errortype": "ExpiredTokenException:http://x/"}, [body])
        return ANSWER

    amazon = Amazon(play, clock)
    await call({"provider": "bedrock", **KEYS, **ROLE}, amazon, clock)

    assert 4 == len(amazon.requests)
    assert "token2==" == amazon.requests[-1].headers["x-amz-security-token"]


@pytest.mark.parametrize("kind", ["AccessDeniedException", "ExpiredTokenException"])
async def test_given_keys_are_not_tried_twice(clock: VirtualClock, kind: str) -> None:
    """They would be the same again."""
    amazon = Amazon(Reply(403, {"x-amzn-errortype": kind}, [b'{"message":"no"}']))
    async with Router({"provider": "bedrock", **KEYS}, transport=amazon, clock=clock) as router:
        with pytest.raises(Exception, match="no"):
            await router.chat.completions.create(**HELLO)

    assert 1 == len(amazon.requests)


DENIED = b"""<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code>
<Message>User: arn:aws:iam::1:user/a
is not authorized</Message></Error></ErrorResponse>"""


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (lambda: Reply(403, steps=[DENIED]), r"refused the role \(status 403\): AccessDenied User: arn"),
        (lambda: Reply(200, steps=[b"<html>"]), "answered without usable keys"),
        (lambda: Reply(500), r"refused the role \(status 500\): no reason given"),
        (
            lambda: Reply(200, steps=[b"<AccessKeyId>A</AccessKeyId><Expiration>soon</Expiration>"]),
            "usable keys",
        ),
    ],
)
async def test_a_role_that_is_refused_is_a_local_401(
    clock: VirtualClock, answer: Callable[[], Reply], told: str
) -> None:
    """With STS's reason; Bedrock is never called with empty credentials."""
    amazon = Amazon(lambda sent: answer() if "//sts." in sent.url else ANSWER, clock)
    with pytest.raises(AuthenticationError, match=r"^config: AWS STS .*" + told) as caught:
        await call({"provider": "bedrock", **KEYS, **ROLE}, amazon, clock)

    assert 401 == caught.value.status_code
    assert all("//sts." in sent.url for sent in amazon.requests)
    assert "secret+key" not in str(caught.value)


async def test_a_silent_sts_costs_a_bounded_time(clock: VirtualClock) -> None:
    """Twenty seconds, then the next target."""
    amazon = Amazon(lambda sent: Reply(before=[_pause()]) if "//sts." in sent.url else ANSWER, clock)
    targets = [{"provider": "bedrock", **KEYS, **ROLE}, {"provider": "bedrock", **KEYS}]
    completion = await call({"strategy": {"mode": "fallback"}, "targets": targets}, amazon, clock)

    assert "config.targets[1]" == completion.route.target
    assert 20.0 == pytest.approx(clock.now())


def _pause() -> Any:
    from llmroute.testing import Pause

    return Pause(1e6)


async def test_hosts_of_other_partitions(clock: VirtualClock) -> None:
    """China has a domain of its own, for STS too."""
    amazon = amazon_with_roles(clock)
    await call({"provider": "bedrock", "aws_region": "cn-north-1", **KEYS, **ROLE}, amazon, clock)

    assert ["sts.cn-north-1.amazonaws.com.cn", "bedrock-runtime.cn-north-1.amazonaws.com.cn"] == [
        sent.host for sent in amazon.requests
    ]


@pytest.mark.parametrize("region", ["evil.example/", "a.b", "x@y", "a" * 64, "r\r\nx"])
async def test_a_region_that_is_no_label_reaches_no_host(
    clock: VirtualClock, environment: pytest.MonkeyPatch, region: str
) -> None:
    """Neither from the config nor from the environment."""
    amazon = Amazon(ANSWER)
    with pytest.raises(ConfigError):
        Router({"provider": "bedrock", "aws_region": region, **KEYS}, transport=amazon)
    environment.setenv("AWS_REGION", region)
    async with Router({"provider": "bedrock", **KEYS}, transport=amazon, clock=clock) as router:
        with pytest.raises(Exception, match="aws_region"):
            await router.chat.completions.create(**HELLO)

    assert [] == amazon.requests
