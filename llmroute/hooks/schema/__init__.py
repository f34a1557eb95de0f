"""JSON Schema (draft 2020-12, with the older forms that models are given), compiled and within limits.

Compiled once, a schema judges a value in some microseconds. Work, depth and the time of patterns are bounded,
nothing is ever fetched: every `$ref` has to lead into the schema itself. Patterns are JavaScript's with the
flag `u`. Formats are asserted, loosely, and the words for what is wrong are those of the validator that the
reference uses (@cfworker/json-schema 4.0.3), so that prompts which quote them stay the same.

Older forms: `definitions`, `dependencies`, a list as `items` with `additionalItems`, `$recursiveRef`.
Not there: `$dynamicRef`, which is refused; vocabularies and content keywords, which are ignored.
"""

from .compiler import MAX_NODES, compile_schema
from .node import MAX_DEPTH, MAX_WORK, Node, Problem, Run, TooMuchWorkError

__all__ = [
    "MAX_DEPTH",
    "MAX_NODES",
    "MAX_WORK",
    "Node",
    "Problem",
    "Run",
    "TooMuchWorkError",
    "compile_schema",
]
