"""The loopback upstream's side of the three formats: requests read, answers written."""

from __future__ import annotations

import re
from typing import Final

from .anthropic import ANTHROPIC
from .base import Answer, Format, FormatName, MalformedError, Question, answer_to
from .gemini import GEMINI
from .openai import OPENAI

#: Which format is spoken at a path, whatever stands before it.
ROUTES: Final[tuple[tuple[re.Pattern[str], Format], ...]] = (
    (re.compile(r"/chat/completions$"), OPENAI),
    (re.compile(r"/messages$"), ANTHROPIC),
    (re.compile(r"/models/(?P<model>[^:]+):(?P<action>generateContent|streamGenerateContent)$"), GEMINI),
)

__all__ = ["OPENAI", "ROUTES", "Answer", "Format", "FormatName", "MalformedError", "Question", "answer_to"]
