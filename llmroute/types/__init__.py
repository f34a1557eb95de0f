"""Results: OpenAI's names as typed objects, and the route that led to them."""

from .accumulate import CompletionBuilder
from .chat import (
    Annotation,
    AnnotationURLCitation,
    Audio,
    ChatCompletion,
    Choice,
    ChoiceLogprobs,
    Custom,
    CustomToolCall,
    Function,
    FunctionCall,
    Message,
    TokenLogprob,
    ToolCall,
    TopLogprob,
)
from .chunk import (
    ChatCompletionChunk,
    ChunkChoice,
    Delta,
    DeltaCustom,
    DeltaFunction,
    DeltaFunctionCall,
    DeltaToolCall,
)
from .convert import plain
from .moderation import Moderation, ModerationOutcome, ModerationResult
from .route import Attempt, Route
from .usage import CompletionTokensDetails, PromptTokensDetails, Usage

__all__ = [
    "Annotation",
    "AnnotationURLCitation",
    "Attempt",
    "Audio",
    "ChatCompletion",
    "ChatCompletionChunk",
    "Choice",
    "ChoiceLogprobs",
    "ChunkChoice",
    "CompletionBuilder",
    "CompletionTokensDetails",
    "Custom",
    "CustomToolCall",
    "Delta",
    "DeltaCustom",
    "DeltaFunction",
    "DeltaFunctionCall",
    "DeltaToolCall",
    "Function",
    "FunctionCall",
    "Message",
    "Moderation",
    "ModerationOutcome",
    "ModerationResult",
    "PromptTokensDetails",
    "Route",
    "TokenLogprob",
    "ToolCall",
    "TopLogprob",
    "Usage",
    "plain",
]
