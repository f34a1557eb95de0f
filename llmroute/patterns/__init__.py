r"""JavaScript regular expressions, run by the `regex` package within limits of time and size.

Patterns in a config are written for a JavaScript gateway, so they mean here what `new RegExp(text, flags)`
means: ECMA-262 section 22.2 with Annex B.1.2, or without it where the flag `u` is given. `parser` reads the
text into a tree and `writer` writes that tree for `regex`, which therefore never reads a character of the
input itself.

Known differences from JavaScript:

- A character is a code point, not a UTF-16 unit: `^.$` matches an emoji, and `\ud83d\ude00` is one character,
  in a class too.
- A pass of an optional repeat that matches nothing counts: `(?:|a)*` takes nothing of "a", where JavaScript
  goes on to try the alternative that takes something. Whether a text matches is hardly ever touched by this.
- A group in a repeat keeps what it captured in an earlier pass; JavaScript forgets it when a pass begins.
- With `i`, a back reference ignores the case of ASCII letters only.
- Escapes in group names, a name used twice, and `(?i:...)` are errors.
"""

from .limits import (
    DEFAULT_TIMEOUT,
    MAX_DEPTH,
    MAX_INSERTED,
    MAX_PATTERN,
    MAX_REPEAT_PRODUCT,
    MAX_REPLACEMENT,
    MAX_TEXT,
    PatternError,
    PatternTimeout,
)
from .pattern import Match, Pattern, compile_pattern

__all__ = [
    "DEFAULT_TIMEOUT",
    "MAX_DEPTH",
    "MAX_INSERTED",
    "MAX_PATTERN",
    "MAX_REPEAT_PRODUCT",
    "MAX_REPLACEMENT",
    "MAX_TEXT",
    "Match",
    "Pattern",
    "PatternError",
    "PatternTimeout",
    "compile_pattern",
]
