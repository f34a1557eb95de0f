r"""The characters that `\p{...}` stands for in JavaScript with the flag `u`.

Names are those of ECMA-262 22.2.1, tables 67 to 70, in their exact spelling. Which characters have a
property is the word of the Unicode version that `regex` was built with.
"""

from __future__ import annotations

import functools

from .characters import TOP, Ranges, normal

# fmt: off
_CATEGORIES = frozenset("""
    Cased_Letter LC Close_Punctuation Pe Connector_Punctuation Pc Control Cc cntrl Currency_Symbol Sc
    Dash_Punctuation Pd Decimal_Number Nd digit Enclosing_Mark Me Final_Punctuation Pf Format Cf
    Initial_Punctuation Pi Letter L Letter_Number Nl Line_Separator Zl Lowercase_Letter Ll Mark M
    Combining_Mark Math_Symbol Sm Modifier_Letter Lm Modifier_Symbol Sk Nonspacing_Mark Mn Number N
    Open_Punctuation Ps Other C Other_Letter Lo Other_Number No Other_Punctuation Po Other_Symbol So
    Paragraph_Separator Zp Private_Use Co Punctuation P punct Separator Z Space_Separator Zs Spacing_Mark Mc
    Surrogate Cs Symbol S Titlecase_Letter Lt Unassigned Cn Uppercase_Letter Lu
""".split())  # noqa: SIM905
_BINARY = frozenset("""
    ASCII ASCII_Hex_Digit AHex Alphabetic Alpha Any Assigned Bidi_Control Bidi_C Bidi_Mirrored Bidi_M
    Case_Ignorable CI Cased Changes_When_Casefolded CWCF Changes_When_Casemapped CWCM Changes_When_Lowercased
    CWL Changes_When_Titlecased CWT Changes_When_Uppercased CWU Dash Default_Ignorable_Code_Point DI
    Deprecated Dep Diacritic Dia Emoji Emoji_Component EComp Emoji_Modifier EMod Emoji_Modifier_Base EBase
    Emoji_Presentation EPres Extended_Pictographic ExtPict Extender Ext Grapheme_Base Gr_Base Grapheme_Extend
    Gr_Ext Hex_Digit Hex IDS_Binary_Operator IDSB IDS_Trinary_Operator IDST ID_Continue IDC ID_Start IDS
    Ideographic Ideo Join_Control Join_C Logical_Order_Exception LOE Lowercase Lower Math
    Noncharacter_Code_Point NChar Pattern_Syntax Pat_Syn Pattern_White_Space Pat_WS Quotation_Mark QMark
    Radical Regional_Indicator RI Sentence_Terminal STerm Soft_Dotted SD Terminal_Punctuation Term
    Unified_Ideograph UIdeo Uppercase Upper Variation_Selector VS White_Space space XID_Continue XIDC
    XID_Start XIDS
""".split())  # noqa: SIM905
# fmt: on
_SCRIPT_KEYS = frozenset({"Script", "sc", "Script_Extensions", "scx"})
_CATEGORY_KEYS = frozenset({"General_Category", "gc"})
_NAME = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_")

#: Beyond these planes nothing is assigned but tags, variation selectors and private characters; what is
#: true of the first character of such a stretch is taken for true of all.
_STRETCHES = ((0, 0x33FFF), (0x34000, 0xDFFFF), (0xE0000, 0xE01FF), (0xE0200, 0xEFFFF), (0xF0000, TOP))
_READ_WHOLE = frozenset({0, 0xE0000})


@functools.lru_cache(1024)
def is_property(name: str) -> bool:
    """Whether `\\p{name}` stands for something, in JavaScript and in `regex`."""
    if len(name) > 60 or not _is_known(name):
        return False
    import regex  # type: ignore[import-untyped,unused-ignore]

    try:
        regex.compile(rf"\p{{{name}}}", cache_pattern=False)
    except regex.error:
        return False
    return True


@functools.lru_cache(16)
def property_ranges(name: str) -> Ranges:
    """The characters of a property, for which `is_property` holds. Takes some milliseconds."""
    import regex

    runs = regex.compile(rf"\p{{{name}}}+", cache_pattern=False)
    ranges: list[tuple[int, int]] = []
    for low, high in _STRETCHES:
        if low in _READ_WHOLE:
            found = runs.finditer(_stretch(low, high))
            ranges += ((low + run.start(), low + run.end() - 1) for run in found)
        elif runs.match(chr(low)):
            ranges.append((low, high))
    return normal(ranges)


@functools.cache
def _stretch(low: int, high: int) -> str:
    return "".join(map(chr, range(low, high + 1)))


def _is_known(name: str) -> bool:
    key, sign, value = name.partition("=")
    if not sign:
        return name in _CATEGORIES or name in _BINARY
    if key in _CATEGORY_KEYS:
        return value in _CATEGORIES
    return key in _SCRIPT_KEYS and _NAME.issuperset(value) and value[:1].isupper()
