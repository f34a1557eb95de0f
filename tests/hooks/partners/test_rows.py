"""What each partner is sent and how its answer is read.

Rules: spec/GUARDRAIL_PARTNERS.md, the rows of azure, bedrock, mistral and pangea;
platform.openai.com/docs/api-reference/moderations.
"""

from __future__ import annotations

import pytest
from service_kit import KEY, Service, azure, bedrock, moderation, pangea

from llmroute.hooks.base import HookContext
from llmroute.testing import reply


def two_parts():
    parts = [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]
    return HookContext("before", {"messages": [{"role": "user", "content": parts}]})


async def findings_of(partner, answer, **parameters):
    """The findings of a verdict, None where it is none."""
    verdict = await Service(partner, reply(json=answer), **parameters).judge()
    return None if verdict.error else verdict.data["findings"]


async def test_azure_is_sent_the_text_with_categories_and_blocklists():
    """The key travels in a header of its own."""
    service = Service(
        "azure.contentSafety",
        reply(json=azure()),
        blocklistNames=["b"],
        apiVersion="2024-09-01",
        categories=["Hate"],
    )

    await service.judge("text")

    assert (
        "https://acme.cognitiveservices.azure.com/contentsafety/text:analyze?api-version=2024-09-01"
        == service.sent.url
    )
    assert {"text": "text", "categories": ["Hate"], "blocklistNames": ["b"]} == service.sent.json
    assert KEY == service.sent.headers["ocp-apim-subscription-key"]


@pytest.mark.parametrize(
    ("answer", "parameters", "expected"),
    [
        (azure(Hate=1), {}, []),
        (azure(Hate=2), {}, [{"category": "Hate", "severity": 2}]),
        (azure(Hate=2), {"severity": 4}, []),
        (azure(Hate=4, Sexual=6), {"severity": 6}, [{"category": "Sexual", "severity": 6}]),
        (
            {**azure(), "blocklistsMatch": [{"blocklistName": "b", "blocklistItemText": "bad word"}]},
            {"blocklistNames": ["b"]},
            [{"blocklist": "b"}],
        ),
        ({"categoriesAnalysis": azure()["categoriesAnalysis"]}, {}, []),
        ({"categoriesAnalysis": azure()["categoriesAnalysis"]}, {"blocklistNames": ["b"]}, None),
        ({"categoriesAnalysis": azure()["categoriesAnalysis"][1:]}, {}, None),
        ({"categoriesAnalysis": azure()["categoriesAnalysis"] * 2}, {}, []),
        ({"categoriesAnalysis": [{"category": "Hate", "severity": "6"}]}, {"categories": ["Hate"]}, None),
        ({"categoriesAnalysis": [{"category": "Hate", "severity": None}]}, {"categories": ["Hate"]}, None),
        ({"categoriesAnalysis": ["Hate"], "blocklistsMatch": []}, {}, None),
        (azure(Hate=True), {}, None),
        ({"categoriesAnalysis": [{"category": ["Hate"], "severity": 0}]}, {}, None),
    ],
)
async def test_azure_fails_from_the_severity_on(answer, parameters, expected):
    """2 by default; an answer without every category that was asked for is none."""
    assert expected == await findings_of("azure.contentSafety", answer, **parameters)


async def test_azure_judges_long_texts_in_windows():
    """The service takes 10,000 characters; windows share some, and one that fails is enough."""
    answers = [reply(json=azure()), reply(json=azure()), reply(json=azure(Hate=6))]
    service = Service("azure.contentSafety", answers)
    text = "".join(f"{number:05}" for number in range(5_000))

    verdict = await service.judge(text)

    sent = [request.json["text"] for request in service.transport.requests]
    assert (False, 3) == (verdict.passed, len(sent))
    assert text == sent[0] + "".join(part[200:] for part in sent[1:])
    assert max(map(len, sent)) <= 10_000


def test_azure_with_nothing_to_look_for_is_a_problem():
    """It would pass everything."""
    assert ["p.categories: expected a category, or a blocklist in blocklistNames"] == Service(
        "azure.contentSafety", [], categories=[]
    ).problems


def test_azure_other_ways_to_sign_in_are_problems():
    """Rather than a key where a token is expected."""
    assert 1 == len(Service("azure.contentSafety", [], azureAuthMode="managed").problems)


async def test_azure_may_have_an_address_of_its_own_and_credentials_in_a_section():
    """`customHost`, and `contentSafety` inside of `credentials`."""
    own = {"apiKey": KEY, "resourceName": "x", "customHost": "https://safety.acme.example/"}
    service = Service("azure.contentSafety", reply(json=azure()), credentials={"contentSafety": own})

    await service.judge()

    assert service.sent.url.startswith("https://safety.acme.example/contentsafety/")


async def test_bedrock_is_asked_with_a_signature_for_each_piece():
    """SigV4 for the service bedrock; the secret itself does not travel."""
    service = Service(
        "bedrock.guard",
        [reply(json=bedrock("NONE")), reply(json=bedrock("NONE"))],
        guardrailId="arn:aws:bedrock:eu-central-1:1:guardrail/g",
        guardrailVersion=7,
    )

    verdict = await service.judged(two_parts())

    first, second = service.transport.requests
    assert verdict.passed
    assert {"content": [{"text": {"text": "one"}}], "source": "INPUT"} == first.json
    assert "two" == second.json["content"][0]["text"]["text"]
    assert "bedrock-runtime.eu-central-1.amazonaws.com" == first.host
    assert first.path.endswith("guardrail%2Fg/version/7/apply")
    assert (
        "/eu-central-1/bedrock/aws4_request, SignedHeaders=content-type;host;"
        in first.headers["authorization"]
    )
    assert KEY not in str(dict(first.headers))


PII = {"piiEntities": [{"type": "EMAIL", "match": "a@b.example", "action": "BLOCKED"}]}
MASKED = {"piiEntities": [{"type": "EMAIL", "match": "a@b.example", "action": "ANONYMIZED"}]}
TOPIC = {"topics": [{"name": "Weapons", "type": "DENY", "action": "BLOCKED"}]}


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (bedrock("NONE"), []),
        (bedrock("OTHER"), None),
        ({"assessments": []}, None),
        ({"action": "NONE", "assessments": "none"}, None),
        (bedrock(), [{"policy": "guardrail"}]),
        (bedrock(topicPolicy=TOPIC), [{"policy": "topicPolicy", "type": "DENY"}]),
        (
            bedrock(sensitiveInformationPolicy=PII),
            [{"policy": "sensitiveInformationPolicy", "type": "EMAIL"}],
        ),
        (
            bedrock(wordPolicy={"customWords": [{"match": "bad", "action": "BLOCKED"}]}),
            [{"policy": "wordPolicy"}],
        ),
        (bedrock(newPolicy={}), [{"policy": "newPolicy"}]),
    ],
)
async def test_bedrock_fails_when_the_guardrail_intervened(answer, expected):
    """Findings name policies and kinds, never what was matched."""
    assert expected == await findings_of("bedrock.guard", answer)


async def redacted(answer, text="mail a@b.example"):
    """What is left of a text, None where the check fails, the error's text where it could not judge."""
    verdict = await Service("bedrock.guard", reply(json=answer), redact=True).judge(text)
    assert "b.example" not in str(verdict.data)
    if verdict.error:
        return verdict.error.message
    return verdict.request["messages"][0]["content"] if verdict.passed and verdict.request else None


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (bedrock(output="mail {EMAIL}", sensitiveInformationPolicy=MASKED), "mail {EMAIL}"),
        (bedrock(sensitiveInformationPolicy=PII), "mail {EMAIL}"),
        (
            bedrock(
                sensitiveInformationPolicy={"regexes": [{"name": "m", "match": "mail", "action": "BLOCKED"}]}
            ),
            "{m} a@b.example",
        ),
        (bedrock(sensitiveInformationPolicy=PII, topicPolicy=TOPIC), None),
        (bedrock(), None),
    ],
)
async def test_bedrock_takes_personal_data_out_on_request(answer, expected):
    """Only where the guardrail found nothing else."""
    assert expected == await redacted(answer)


@pytest.mark.parametrize(
    "answer",
    [
        bedrock(output="mail a@b.example", sensitiveInformationPolicy=MASKED),
        bedrock(sensitiveInformationPolicy=MASKED),
        bedrock(output=5, sensitiveInformationPolicy=MASKED),
        bedrock(sensitiveInformationPolicy={"piiEntities": [{"type": "X", "match": "not there"}]}),
        bedrock(sensitiveInformationPolicy={"piiEntities": [{"type": "X", "match": ["a"]}]}),
        bedrock(sensitiveInformationPolicy={"piiEntities": [{"type": "X", "match": ""}]}),
        bedrock(sensitiveInformationPolicy={"piiEntities": [{"type": "X"}]}),
    ],
)
async def test_bedrock_without_a_usable_change_is_no_verdict(answer):
    """Nothing passes with what was to be taken out."""
    assert await redacted(answer) in (
        "The service's change cannot be made.",
        "The service's answer is no verdict.",
    )


async def test_bedrock_changes_only_the_piece_that_was_found():
    """The other one stays as it is."""
    answers = [
        reply(json=bedrock("NONE")),
        reply(json=bedrock(output="2", sensitiveInformationPolicy=MASKED)),
    ]

    verdict = await Service("bedrock.guard", answers, redact=True).judged(two_parts())

    assert ["one", "2"] == [part["text"] for part in verdict.request["messages"][0]["content"]]


@pytest.mark.parametrize("redact", [False, True])
def test_bedrock_says_whether_it_changes_anything(redact):
    """So that streams go through it."""
    assert redact is Service("bedrock.guard", [], redact=redact).check.transforms


async def test_mistral_judges_the_conversation_before_a_chat_call():
    """As messages, at its endpoint for chats."""
    service = Service("mistral.moderateContent", reply(json=moderation()))

    await service.judge("hello")

    assert "https://api.mistral.ai/v1/chat/moderations" == service.sent.url
    assert {
        "model": "mistral-moderation-latest",
        "input": [[{"role": "user", "content": "hello"}]],
    } == service.sent.json
    assert f"Bearer {KEY}" == service.sent.headers["authorization"]


async def test_mistral_judges_texts_elsewhere():
    """After the call, and for other kinds of request."""
    service = Service("mistral.moderateContent", reply(json=moderation()))

    await service.judge("hello", request_type="complete")

    assert ("https://api.mistral.ai/v1/moderations", ["hello"]) == (
        service.sent.url,
        service.sent.json["input"],
    )


async def test_openai_judges_all_texts_at_once():
    """One result for each; fewer are no verdict."""
    answer = moderation()
    both = {"results": answer["results"] * 2}

    judged = await Service("openai.moderation", reply(json=both)).judged(two_parts())
    lacking = await Service("openai.moderation", reply(json=answer)).judged(two_parts())
    service = Service("openai.moderation", reply(json=both))
    await service.judged(two_parts())

    assert (True, None) == (judged.passed, judged.error)
    assert "no verdict" in lacking.error.message
    assert "https://api.openai.com/v1/moderations" == service.sent.url
    assert {"model": "omni-moderation-latest", "input": ["one", "two"]} == service.sent.json


VIOLENCE = [{"category": "violence", "score": 0.01}]


@pytest.mark.parametrize("partner", ["mistral.moderateContent", "openai.moderation"])
@pytest.mark.parametrize(
    ("answer", "parameters", "expected"),
    [
        (moderation(), {}, []),
        (moderation(violence=True), {}, VIOLENCE),
        (moderation(violence=True), {"categories": ["violence"]}, VIOLENCE),
        (moderation(violence=True), {"categories": ["hate"]}, []),
        (moderation(), {"categories": ["voilence"]}, None),
        (moderation(violence=None), {}, []),
        ({"results": [{"flagged": True, "categories": {"hate": False}}]}, {}, [{"category": "flagged"}]),
        ({"results": [{"categories": {"hate": "false"}}]}, {}, None),
        ({"results": [{"categories": {"hate": 0}}]}, {}, None),
        ({"results": [{"categories": {}}]}, {}, None),
        ({"results": [{"flagged": False}]}, {}, None),
        ({"results": ["ok"]}, {}, None),
    ],
)
async def test_moderations_fail_on_categories(partner, answer, parameters, expected):
    """Any of the chosen ones; one that the service does not know is no pass."""
    assert expected == await findings_of(partner, answer, **parameters)


@pytest.mark.parametrize(
    ("answer", "thresholds", "expected"),
    [
        (moderation({"hate": 0.3}), {"hate": 0.3}, [{"category": "hate", "score": 0.3}]),
        (moderation({"hate": 0.29}), {"hate": 0.3}, []),
        (moderation({"violence": 0.4}, violence=True), {"violence": 0.5}, []),
        (
            moderation({"violence": 0.4}, violence=True),
            {"hate": 0.5},
            [{"category": "violence", "score": 0.4}],
        ),
        (moderation(), {"unknown": 0.5}, None),
        (moderation({"hate": None}), {"hate": 0.5}, None),
        (moderation({"hate": "0.9"}), {"hate": 0.5}, None),
    ],
)
async def test_openai_thresholds_take_the_place_of_the_services_word(answer, thresholds, expected):
    """For the categories that are named; the others stay with the service."""
    assert expected == await findings_of("openai.moderation", answer, thresholds=thresholds)


@pytest.mark.parametrize("value", [2, -0.1, True, "0.5", None])
def test_openai_thresholds_are_from_0_to_1(value):
    """Anything else is a problem of the config."""
    assert 1 == len(Service("openai.moderation", [], thresholds={"hate": value}).problems)


async def test_pangea_is_sent_the_text_with_its_recipe():
    """At the host of the domain."""
    service = Service("pangea.textGuard", reply(json=pangea()), recipe="r", overrides={"a": 1}, debug=True)

    await service.judge("text")

    assert "https://ai-guard.aws.eu.pangea.cloud/v1/text/guard" == service.sent.url
    assert {"text": "text", "recipe": "r", "overrides": {"a": 1}, "debug": True} == service.sent.json
    assert f"Bearer {KEY}" == service.sent.headers["authorization"]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (pangea(), []),
        (pangea(pii_entity=None), []),
        (pangea(pii_entity=True), [{"detector": "pii_entity"}]),
        (pangea(new_detector=True), [{"detector": "new_detector"}]),
        (pangea("Failed"), None),
        ({"status": "Success", "result": {"detectors": {}}}, None),
        ({"status": "Success", "result": {"detectors": {}, "blocked": False}}, []),
        ({"status": "Success", "result": {"detectors": {}, "blocked": True}}, [{"detector": "blocked"}]),
        ({"status": "Success", "result": None}, None),
        (pangea(secrets_detection="yes"), None),
    ],
)
async def test_pangea_fails_on_any_detector(answer, expected):
    """Of an answer that is a success."""
    assert expected == await findings_of("pangea.textGuard", answer)
