"""Parameters: where each one goes, for which family, and which are told as lost."""

from __future__ import annotations

import json
from typing import Any

import bedrock_kit as kit
import pytest

from llmroute.providers.base import EncodeError

LLAMA = "us.meta.llama3-3-70b-instruct-v1:0"
GPT = "openai.gpt-oss-120b-1:0"
NOVA_2 = "us.amazon.nova-2-lite-v1:0"
OPUS = "us.anthropic.claude-opus-4-8-v1"
SONNET_37 = "anthropic.claude-3-7-sonnet-20250219-v1:0"
OPAQUE = "arn:aws:bedrock:eu-west-1:123456789012:application-inference-profile/abc123"
PROFILE = "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.amazon.nova-pro-v1:0"
TOOL = {"type": "function", "function": {"name": "tide", "parameters": {"type": "object", "properties": {}}}}
SPEC = {"name": "tide", "inputSchema": {"json": {"type": "object", "properties": {}}}}
HISTORY = [
    *kit.HELLO,
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "tide", "arguments": "{}"}}],
    },
    {"role": "tool", "tool_call_id": "c1", "content": "4.2"},
]


def extra(model: str, messages: Any = kit.HELLO, **params: Any) -> Any:
    """The model's own fields."""
    return kit.sent(messages, model=model, **params).get("additionalModelRequestFields")


# -- the URL -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "part"),
    [
        ("anthropic.claude-3-haiku-20240307-v1:0", "anthropic.claude-3-haiku-20240307-v1%3A0"),
        (OPAQUE, "arn%3Aaws%3Abedrock%3Aeu-west-1%3A123456789012%3Aapplication-inference-profile%2Fabc123"),
        (
            "arn%3Aaws%3Abedrock%3Aus-east-1%3A%3Afoundation-model%2Famazon.nova-lite-v1%3A0",
            "arn%3Aaws%3Abedrock%3Aus-east-1%3A%3Afoundation-model%2Famazon.nova-lite-v1%3A0",
        ),
        ("../../admin", "..%2F..%2Fadmin"),
        ("..", "%252E%252E"),
        ("m?x=y#z", "m%3Fx%3Dy%23z"),
        ("a%2Fb", "a%252Fb"),
        ("a b\r\nx", "a%20b%0D%0Ax"),
    ],
)
def test_a_model_is_one_part_of_the_path(model: str, part: str) -> None:
    """Whatever it holds; an ARN that is encoded already is not encoded twice."""
    wire = kit.request(model=model)

    assert f"/model/{part}/converse" == wire.url.raw_path
    assert "" == wire.url.raw_query_string
    assert f"/model/{part}/converse-stream" == kit.request(model=model, stream=True).url.raw_path


@pytest.mark.parametrize("model", [None, "", 7, "\ud800", ["m"]])
def test_what_is_no_model_is_refused(model: Any) -> None:
    """Nothing is sent."""
    assert "model" == kit.refusal(model=model).param


@pytest.mark.parametrize(
    ("settings", "url"),
    [
        ({}, "https://bedrock-runtime.us-east-1.amazonaws.com/model/m/converse"),
        (
            {"options": {"aws_region": "eu-west-3"}},
            "https://bedrock-runtime.eu-west-3.amazonaws.com/model/m/converse",
        ),
        (
            {"variable": {"AWS_REGION": "ap-1"}.get},
            "https://bedrock-runtime.ap-1.amazonaws.com/model/m/converse",
        ),
        (
            {"variable": {"AWS_DEFAULT_REGION": "b"}.get},
            "https://bedrock-runtime.b.amazonaws.com/model/m/converse",
        ),
        ({"base_url": "http://h:9/p/?k=v"}, "http://h:9/p/model/m/converse?k=v"),
    ],
)
def test_the_host(settings: dict[str, Any], url: str) -> None:
    """The region's, or the target's own with the path behind it."""
    assert url == str(kit.request(model="m", settings=settings).url)


@pytest.mark.parametrize("region", ["evil.example/", "a@b", "x" * 64, "r\r\n"])
def test_a_region_that_is_no_label_is_refused(region: str) -> None:
    """At every call; it never becomes part of a host."""
    with pytest.raises(EncodeError) as caught:
        kit.request(settings={"options": {"aws_region": region}})

    assert "aws_region" == caught.value.param


def test_a_key_is_a_bearer_token() -> None:
    """And fit for a header."""
    adapter = kit.target()
    body = {"model": "m", "messages": kit.HELLO}

    assert "Bearer k" == adapter.encode(body, "k").headers["authorization"]
    assert "authorization" not in adapter.encode(body, None).headers
    with pytest.raises(EncodeError):
        adapter.encode(body, "k\r\nx: y")


# -- limits, sampling, stops -------------------------------------------------


@pytest.mark.parametrize(
    ("params", "config"),
    [
        ({}, None),
        ({"max_tokens": 7}, {"maxTokens": 7}),
        ({"max_completion_tokens": 7}, {"maxTokens": 7}),
        ({"max_completion_tokens": 7, "max_tokens": 8}, {"maxTokens": 8}),
        ({"max_tokens": None, "max_completion_tokens": 7}, {"maxTokens": 7}),
        ({"temperature": 0, "top_p": 0.5}, {"temperature": 0, "topP": 0.5}),
        ({"stop": "END"}, {"stopSequences": ["END"]}),
        ({"stop": ["a", "b"]}, {"stopSequences": ["a", "b"]}),
        ({"stop_sequences": ["a"]}, {"stopSequences": ["a"]}),
        ({"temperature": None}, {}),
        ({"inferenceConfig": {"maxTokens": 3, "topP": 1}, "max_tokens": 9}, {"maxTokens": 9, "topP": 1}),
    ],
)
def test_the_inference_config(params: dict[str, Any], config: Any) -> None:
    """OpenAI's parameters under Converse's names; Converse's own beneath them."""
    assert config == kit.sent(**params).get("inferenceConfig")


def test_claude_from_4_7_on_takes_no_sampling() -> None:
    """What would make the request fail is told as lost."""
    params = {"model": OPUS, "temperature": 0.2, "top_p": 0.5, "top_k": 3, "max_tokens": 9}

    assert {"inferenceConfig": {"maxTokens": 9}} == kit.sent(**params)
    assert ["temperature", "top_p", "top_k"] == kit.lost(**params)
    assert [] == kit.lost(model=OPUS, temperature=1, top_p=1)


# -- families ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "fields"),
    [
        (kit.CLAUDE, {"top_k": 5}),
        ("eu.anthropic.claude-3-haiku-20240307-v1:0", {"top_k": 5}),
        ("us-gov.anthropic.claude-3-haiku-20240307-v1:0", {"top_k": 5}),
        ("arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-v2:1", {"top_k": 5}),
        (PROFILE, {"inferenceConfig": {"topK": 5}}),
        (kit.NOVA, {"inferenceConfig": {"topK": 5}}),
        ("cohere.command-r-plus-v1:0", {"top_k": 5}),
        ("ai21.jamba-1-5-large-v1:0", {"top_k": 5}),
        ("mistral.mistral-7b-instruct-v0:2", {"top_k": 5}),
        (OPAQUE, {"top_k": 5}),
        (LLAMA, None),
        (GPT, None),
        ("deepseek.r1-v1:0", None),
    ],
)
def test_top_k_where_a_family_has_it(model: str, fields: Any) -> None:
    """Under the name of the family, or told as lost."""
    assert fields == extra(model, top_k=5)
    assert ([] if fields else ["top_k"]) == kit.lost(model=model, top_k=5)


def test_cohere_and_ai21_keep_their_penalties() -> None:
    """AI21 wraps them in an object."""
    params = {"frequency_penalty": 0.5, "presence_penalty": 0.2, "n": 2, "logit_bias": {"7": 1}}

    assert {
        "frequency_penalty": 0.5,
        "presence_penalty": 0.2,
        "n": 2,
        "logitBias": {"7": 1},
    } == extra("cohere.command-r-v1:0", **params)
    assert {
        "frequencyPenalty": {"scale": 0.5},
        "presencePenalty": {"scale": 0.2},
    } == extra("ai21.jamba-1-5-mini-v1:0", **params)
    assert ["n", "logit_bias"] == kit.lost(model="ai21.jamba-1-5-mini-v1:0", **params)


def test_openai_models_take_openai_parameters() -> None:
    """ "Include any other fields in the additionalModelRequestFields object."""
    params = {
        "seed": 7,
        "frequency_penalty": 0.5,
        "user": "u",
        "new_parameter": [1],
        "reasoning_effort": "low",
    }

    assert params == extra(GPT, **params)
    assert ["n", "logprobs"] == kit.lost(model=GPT, n=2, logprobs=True)


@pytest.mark.parametrize(
    "param",
    ["seed", "frequency_penalty", "presence_penalty", "n", "logit_bias", "logprobs", "store", "prediction"],
)
def test_parameters_without_counterpart_are_told(param: str) -> None:
    """The parameter is named once, or refused when the target wants that."""
    params = {param: {"x": 1} if param in ("logit_bias", "prediction") else 2}

    assert [param] == kit.lost(model=LLAMA, **params)
    with pytest.raises(EncodeError) as caught:
        kit.request(model=LLAMA, settings={"on_unsupported": "error"}, **params)
    assert (param, "unsupported_parameter") == (caught.value.param, caught.value.code)


def test_values_that_ask_for_nothing_are_no_loss() -> None:
    """OpenAI's defaults, and nulls."""
    neutral = {
        "n": 1,
        "frequency_penalty": 0,
        "logprobs": False,
        "store": False,
        "seed": None,
        "logit_bias": {},
    }

    assert [] == kit.lost(model=LLAMA, **neutral, stream_options={"include_usage": True}, service_tier="auto")


def test_unknown_parameters_are_told_and_not_sent() -> None:
    """The warning says where the model's own ones belong."""
    warnings = kit.request(model=LLAMA, top_a=0.5).warnings

    assert ("top_a is unknown to Converse and not sent; see additional_model_request_fields",) == warnings
    assert {"top_a": 0.5} == extra(LLAMA, additional_model_request_fields={"top_a": 0.5})


def test_fields_of_the_callers_own_are_kept() -> None:
    """Under either name; parameters win over them."""
    fields = extra(
        kit.CLAUDE,
        additional_model_request_fields={"a": 1, "top_k": 1},
        additionalModelRequestFields={"b": 2},
        top_k=5,
    )

    assert {"a": 1, "b": 2, "top_k": 5} == fields
    assert {} == extra(kit.CLAUDE, additional_model_request_fields={})
    assert "additionalModelRequestFields" == kit.refusal(additionalModelRequestFields=[1]).param


def test_parameters_of_converse_go_through() -> None:
    """Under its own names and the gateway's."""
    guard = {"guardrailIdentifier": "abc", "guardrailVersion": "1", "trace": "enabled"}
    params = {
        "guardrail_config": guard,
        "performance_config": {"latency": "optimized"},
        "additional_model_response_field_paths": ["/stop_sequence"],
        "requestMetadata": {"team": "sea"},
        "serviceTier": {"type": "flex"},
    }

    assert {
        "guardrailConfig": guard,
        "performanceConfig": {"latency": "optimized"},
        "additionalModelResponseFieldPaths": ["/stop_sequence"],
        "requestMetadata": {"team": "sea"},
        "serviceTier": {"type": "flex"},
    } == kit.sent(**params)
    assert [] == kit.lost(**params)


# -- Anthropic's own ---------------------------------------------------------


def test_claude_takes_anthropics_parameters() -> None:
    """The user, thinking, version, betas and what else the Messages API has."""
    fields = extra(
        kit.CLAUDE,
        user="u1",
        thinking={"type": "enabled", "budget_tokens": 1024},
        anthropic_version="bedrock-2023-05-31",
        anthropic_beta="a, b",
        context_management={"edits": []},
    )

    assert {
        "metadata": {"user_id": "u1"},
        "thinking": {"type": "enabled", "budget_tokens": 1024},
        "anthropic_version": "bedrock-2023-05-31",
        "anthropic_beta": ["a", "b"],
        "context_management": {"edits": []},
    } == fields
    assert ["user", "thinking"] == sorted(
        kit.lost(model=kit.NOVA, user="u", thinking={"type": "x"}), reverse=True
    )


def test_betas_of_the_target_are_joined_with_those_of_the_request() -> None:
    """Each once."""
    body = kit.encoded(settings={"options": {"anthropic_beta": "a,b"}}, anthropic_beta=["b", "c"])

    assert ["a", "b", "c"] == body["additionalModelRequestFields"]["anthropic_beta"]


def test_the_config_may_name_the_model_behind_a_profile() -> None:
    """An application inference profile does not tell its family."""
    settings = {"options": {"aws_bedrock_model": "anthropic.claude-sonnet-4-5-20250929-v1:0"}}
    body = kit.encoded(model=OPAQUE, settings=settings, user="u")

    assert {"metadata": {"user_id": "u"}} == body["additionalModelRequestFields"]
    assert ["user"] == kit.lost(model=OPAQUE, user="u")


# -- who and how -------------------------------------------------------------


def test_metadata_labels_the_call() -> None:
    """Where it fits `requestMetadata`; else it is told as lost."""
    assert {"requestMetadata": {"team": "sea", "n": ""}} == kit.sent(metadata={"team": "sea", "n": ""})
    for metadata in (
        {"a": 1},
        {"a": "\u00e9"},
        {"a": "x" * 257},
        {str(i): "x" for i in range(17)},
        {"": "x"},
    ):
        assert ["metadata"] == kit.lost(metadata=metadata)
    assert {} == kit.sent(metadata={})
    assert "metadata" == kit.refusal(metadata="x").param


@pytest.mark.parametrize(
    ("tier", "sent", "lost"),
    [
        ("auto", None, []),
        ("default", {"type": "default"}, []),
        ("flex", {"type": "flex"}, []),
        ("priority", {"type": "priority"}, []),
        ("scale", None, ["service_tier"]),
        (7, None, ["service_tier"]),
    ],
)
def test_service_tiers(tier: Any, sent: Any, lost: list[str]) -> None:
    """OpenAI's words, as far as Bedrock has them."""
    assert sent == kit.sent(service_tier=tier).get("serviceTier")
    assert lost == kit.lost(service_tier=tier)


# -- tools -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("choice", "sent"),
    [
        (None, None),
        ("auto", {"auto": {}}),
        ("required", {"any": {}}),
        ({"type": "function", "function": {"name": "tide"}}, {"tool": {"name": "tide"}}),
        ({"type": "function", "name": "tide"}, {"tool": {"name": "tide"}}),
        ({"type": "any"}, {"any": {}}),
    ],
)
def test_choices(choice: Any, sent: Any) -> None:
    """In all forms that OpenAI and Anthropic have."""
    config = kit.sent(tools=[TOOL], tool_choice=choice)["toolConfig"]

    assert [{"toolSpec": SPEC}] == config["tools"]
    assert sent == config.get("toolChoice")


@pytest.mark.parametrize("choice", ["sometimes", 7, {"type": "x"}, {"type": "function"}, {}, []])
def test_unknown_choices_are_refused(choice: Any) -> None:
    """With the parameter's name."""
    assert "tool_choice" == kit.refusal(tools=[TOOL], tool_choice=choice).param


def test_no_tool_at_all() -> None:
    """`none` sends no tools; after calls, which need some, Claude has a word for it and others have not."""
    assert {} == kit.sent(tools=[TOOL], tool_choice="none")
    assert ["tool_choice"] == kit.lost(tools=[TOOL], tool_choice="none")
    claude = kit.sent(HISTORY, tools=[TOOL], tool_choice="none")
    assert {"tools": [{"toolSpec": SPEC}]} == claude["toolConfig"]
    assert {"tool_choice": {"type": "none"}} == claude["additionalModelRequestFields"]
    assert [] == kit.lost(HISTORY, tools=[TOOL], tool_choice="none")
    assert ["tool_choice"] == kit.lost(HISTORY, model=kit.NOVA, tools=[TOOL], tool_choice="none")


def test_some_of_the_tools() -> None:
    """`allowed_tools` becomes a shorter list."""
    other = {"type": "function", "function": {"name": "wind"}}
    allowed = {"mode": "required", "tools": [{"type": "function", "function": {"name": "tide"}}]}
    config = kit.sent(tools=[other, TOOL], tool_choice={"type": "allowed_tools", "allowed_tools": allowed})

    assert {"tools": [{"toolSpec": SPEC}], "toolChoice": {"any": {}}} == config["toolConfig"]


def test_one_call_at_a_time() -> None:
    """A field of Claude's own, which then also holds the choice; told as lost elsewhere."""
    sent = kit.sent(tools=[TOOL], tool_choice="required", parallel_tool_calls=False)

    assert {"tools": [{"toolSpec": SPEC}]} == sent["toolConfig"]
    assert {"tool_choice": {"type": "any", "disable_parallel_tool_use": True}} == sent[
        "additionalModelRequestFields"
    ]
    assert ["parallel_tool_calls"] == kit.lost(model=kit.NOVA, tools=[TOOL], parallel_tool_calls=False)
    assert [] == kit.lost(tools=[TOOL], parallel_tool_calls=True)


def test_tools_are_declared_as_the_history_calls_them() -> None:
    """Converse refuses calls and results without a toolConfig, OpenAI does not."""
    sent = kit.sent(HISTORY)

    assert {"tools": [{"toolSpec": SPEC}]} == sent["toolConfig"]
    assert ["tools"] == kit.lost(HISTORY)


STRICT = {"type": "object", "properties": {"a": {"type": "integer", "minimum": 3}}, "required": ["a"]}


def test_strict_tools() -> None:
    """Where the model can be held to the schema, in the form that can be enforced; else told as lost."""
    tool = {
        "type": "function",
        "function": {"name": "f", "description": "d", "parameters": STRICT, "strict": True},
    }
    (spec,) = kit.sent(tools=[tool])["toolConfig"]["tools"]

    assert spec["toolSpec"]["strict"] is True
    assert spec["toolSpec"]["inputSchema"]["json"]["additionalProperties"] is False
    assert ["tools[0].function.strict"] == kit.lost(tools=[tool], model=LLAMA)
    (plain,) = kit.sent(tools=[tool], model=LLAMA)["toolConfig"]["tools"]
    assert {"name": "f", "description": "d", "inputSchema": {"json": STRICT}} == plain["toolSpec"]


def test_tools_of_the_makers_own() -> None:
    """Anthropic's among Claude's fields, Amazon's as system tools, Converse's own as they are."""
    editor = {"type": "computer", "computer": {"name": "computer_20250124", "display_width_px": 1024}}
    sent = kit.sent(tools=[editor, TOOL])

    assert [{"toolSpec": SPEC}] == sent["toolConfig"]["tools"]
    assert {"tools": [{"name": "computer", "type": "computer_20250124", "display_width_px": 1024}]} == sent[
        "additionalModelRequestFields"
    ]
    assert {"tools": [{"systemTool": {"name": "nova_grounding"}}]} == kit.sent(
        tools=[{"type": "nova_grounding"}], model=NOVA_2
    )["toolConfig"]
    assert {"tools": [{"toolSpec": SPEC}]} == kit.sent(tools=[{"toolSpec": SPEC}])["toolConfig"]
    for model in (LLAMA, GPT):
        assert "tools[0]" == kit.refusal(tools=[editor], model=model).param


@pytest.mark.parametrize(
    ("tools", "param"),
    [
        ("x", "tools"),
        ([7], "tools[0]"),
        ([{}], "tools[0]"),
        ([{"type": "custom", "custom": {"name": "c"}}], "tools[0]"),
        ([{"type": "function"}], "tools[0].function.name"),
        ([{"type": "function", "function": {"name": 7}}], "tools[0].function.name"),
        ([{"type": "function", "function": {"name": "f", "parameters": []}}], "tools[0].function.parameters"),
    ],
)
def test_what_is_no_tool_is_refused(tools: Any, param: str) -> None:
    """With its place."""
    assert param == kit.refusal(tools=tools).param


# -- formats -----------------------------------------------------------------

CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


def wanted(schema: Any = CITY, **members: Any) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": "city", "schema": schema, **members}}


@pytest.mark.parametrize("model", [kit.CLAUDE, OPUS, GPT, "qwen.qwen3-32b-v1:0", "deepseek.v3-v1:0"])
def test_a_schema_is_enforced_where_the_model_can_be_held_to_it(model: str) -> None:
    """As text in `outputConfig.textFormat`, closed as structured outputs demand."""
    config = kit.sent(model=model, response_format=wanted(description="A city"))["outputConfig"]
    definition = config["textFormat"]["structure"]["jsonSchema"]

    assert "json_schema" == config["textFormat"]["type"]
    assert ("city", "A city") == (definition["name"], definition["description"])
    assert {**CITY, "additionalProperties": False} == json.loads(definition["schema"])
    assert [] == kit.lost(model=model, response_format=wanted())


@pytest.mark.parametrize(
    ("model", "schema"),
    [
        (LLAMA, CITY),
        (kit.NOVA, CITY),
        ("deepseek.r1-v1:0", CITY),
        (kit.CLAUDE, {"type": "object", "not": {}}),
    ],
)
def test_a_schema_is_asked_for_in_words_elsewhere(model: str, schema: Any) -> None:
    """Also one that no grammar can be made of."""
    sent = kit.sent(model=model, response_format=wanted(schema))

    assert json.dumps(schema, separators=(",", ":")) in sent["system"][-1]["text"]
    assert "outputConfig" not in sent
    assert ["response_format"] == kit.lost(model=model, response_format=wanted(schema))


def test_a_schema_joins_an_output_config_of_anthropics_own() -> None:
    """Converse refuses what it and the model's fields both set."""
    sent = kit.sent(output_config={"effort": "low"}, response_format=wanted())
    own = sent["additionalModelRequestFields"]["output_config"]

    assert "outputConfig" not in sent
    assert ("low", "json_schema") == (own["effort"], own["format"]["type"])
    assert ["output_config"] == kit.lost(model=kit.NOVA, output_config={"effort": "low"})


@pytest.mark.parametrize("format", [7, "json", {}, {"type": "x"}, {"type": "json_schema"}, wanted(7)])
def test_other_formats_are_refused(format: Any) -> None:
    """With the parameter's name."""
    assert "response_format" == kit.refusal(response_format=format).param


# -- reasoning ---------------------------------------------------------------


def test_effort_for_claude_follows_its_generation() -> None:
    """A budget for 3.7 to 4.5, adaptive thinking and an effort from 4.6 on."""
    budget = kit.sent(model=SONNET_37, reasoning_effort="medium", max_tokens=20_000)
    adaptive = kit.sent(model=OPUS, reasoning_effort="medium")

    assert {"thinking": {"type": "enabled", "budget_tokens": 8192}} == budget["additionalModelRequestFields"]
    assert {"thinking": {"type": "adaptive"}} == adaptive["additionalModelRequestFields"]
    assert {"effort": "medium"} == adaptive["outputConfig"]
    assert {} == kit.sent(model=SONNET_37, reasoning_effort="none")


def test_effort_does_not_break_the_rest_of_the_request() -> None:
    """Thinking is not asked for where a temperature or a forced tool would be refused with it."""
    for params in (
        {"temperature": 0.2},
        {"top_k": 5},
        {"tools": [TOOL], "tool_choice": "required"},
        {"tools": [TOOL], "tool_choice": "required", "parallel_tool_calls": False},
        {"thinking": {"type": "disabled"}},
    ):
        fields = extra(kit.CLAUDE, reasoning_effort="low", max_tokens=8000, **params) or {}
        assert params.get("thinking") == fields.get("thinking")
        assert ["reasoning_effort"] == kit.lost(reasoning_effort="low", max_tokens=8000, **params)


def test_effort_beside_an_output_config_of_anthropics_own() -> None:
    """It joins it; an effort that is given stands."""
    joined = extra(OPUS, reasoning_effort="low", output_config={"task_budget": 1})
    given = extra(OPUS, reasoning_effort="low", output_config={"effort": "max"})

    assert {"task_budget": 1, "effort": "low"} == joined["output_config"]
    assert {"effort": "max"} == given["output_config"]


@pytest.mark.parametrize(
    ("effort", "level", "told"),
    [
        ("none", None, []),
        ("minimal", "low", ["reasoning_effort"]),
        ("low", "low", []),
        ("medium", "medium", []),
        ("high", "high", []),
        ("xhigh", "high", ["reasoning_effort"]),
    ],
)
def test_effort_for_nova_2(effort: str, level: str | None, told: list[str]) -> None:
    """Three levels; off by default."""
    fields = None if level is None else {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": level}}

    assert fields == extra(NOVA_2, reasoning_effort=effort)
    assert told == kit.lost(model=NOVA_2, reasoning_effort=effort)


def test_nova_thinks_less_hard_under_a_limit() -> None:
    """With high effort it takes no maxTokens, temperature or topP; the caller's limit stands."""
    sent = kit.sent(model=NOVA_2, reasoning_effort="high", max_tokens=100)

    assert {"maxTokens": 100} == sent["inferenceConfig"]
    assert "medium" == sent["additionalModelRequestFields"]["reasoningConfig"]["maxReasoningEffort"]
    assert ["reasoning_effort"] == kit.lost(model=NOVA_2, reasoning_effort="high", max_tokens=100)


@pytest.mark.parametrize("model", [LLAMA, kit.NOVA, "deepseek.r1-v1:0", OPAQUE])
def test_effort_for_other_models_is_told_as_lost(model: str) -> None:
    """But for none, which they do anyway."""
    assert ["reasoning_effort"] == kit.lost(model=model, reasoning_effort="low")
    assert [] == kit.lost(model=model, reasoning_effort="none")


@pytest.mark.parametrize("model", [kit.CLAUDE, SONNET_37, NOVA_2, GPT])
@pytest.mark.parametrize("effort", ["extreme", 7, {}])
def test_unknown_efforts_are_refused(model: str, effort: Any) -> None:
    """With the parameter's name."""
    assert "reasoning_effort" == kit.refusal(model=model, reasoning_effort=effort, max_tokens=20_000).param
