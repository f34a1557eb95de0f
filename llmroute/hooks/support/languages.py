"""Programming languages: their names and tags, and what tells their code where no fence does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ...patterns import Pattern, compile_pattern

#: Tags and the language that the reference takes them for.
RECORDED: Final[Mapping[str, str]] = {
    "sql": "SQL", "py": "Python", "python": "Python", "gyp": "Python", "ts": "TypeScript",
    "tsx": "TypeScript", "typescript": "TypeScript", "js": "JavaScript", "jsx": "JavaScript",
    "javascript": "JavaScript", "java": "Java", "cs": "C#", "cpp": "C++", "c": "C", "rb": "Ruby",
    "php": "PHP", "swift": "Swift", "kt": "Kotlin", "go": "Go", "rs": "Rust", "scala": "Scala", "r": "R",
    "pl": "Perl", "sh": "Shell", "html": "HTML", "css": "CSS", "xml": "XML", "json": "JSON", "yml": "YAML",
    "md": "Markdown", "dockerfile": "Dockerfile",
}  # fmt: skip
#: Further tags and names that are in use.
_FURTHER: Final[Mapping[str, str]] = {
    "python3": "Python", "py3": "Python", "ipython": "Python", "pycon": "Python", "mysql": "SQL",
    "postgresql": "SQL", "postgres": "SQL", "psql": "SQL", "sqlite": "SQL", "tsql": "SQL", "plsql": "SQL",
    "mts": "TypeScript", "cts": "TypeScript", "mjs": "JavaScript", "cjs": "JavaScript", "node": "JavaScript",
    "ecmascript": "JavaScript", "csharp": "C#", "c#": "C#", "c++": "C++", "cc": "C++", "cxx": "C++",
    "hpp": "C++", "h": "C", "ruby": "Ruby", "kotlin": "Kotlin", "kts": "Kotlin", "golang": "Go",
    "rust": "Rust", "perl": "Perl", "bash": "Shell", "shell": "Shell", "zsh": "Shell", "ksh": "Shell",
    "console": "Shell", "shellscript": "Shell", "shell-session": "Shell", "xhtml": "HTML", "htm": "HTML",
    "scss": "CSS", "less": "CSS", "svg": "XML", "json5": "JSON", "jsonc": "JSON", "yaml": "YAML",
    "markdown": "Markdown", "docker": "Dockerfile", "rlang": "R",
}  # fmt: skip


def recorded_language(tag: str) -> str:
    """The language of a tag as recorded; unknown tags stay as they are."""
    return RECORDED.get(tag.lower(), tag.lower())


def language(name: str) -> str:
    """The language that a tag or name means; unknown ones in lower case."""
    lower = name.lower()
    return RECORDED.get(lower) or _FURTHER.get(lower) or _BY_NAME.get(lower, lower)


_BY_NAME = {name.lower(): name for name in RECORDED.values()}

#: Lines that hardly stand in prose, as JavaScript patterns with the flag `m` (and `i` where it says so).
_SIGNS: Final[Mapping[str, tuple[str, ...]]] = {
    "Python": (
        r"^[ \t]*(?:async )?def \w+\(.{0,300}\).{0,80}:",
        r"^[ \t]*(?:class \w+(?:\(.{0,200}\))?:|elif .{1,200}:|if __name__ ==|@\w[\w.]*[ \t]*$)",
        r"^[ \t]*(?:from [\w.]+ import |import \w[\w.]*(?: as \w+)?[ \t]*$|print\(.{0,300}\)[ \t]*$)",
    ),
    "JavaScript": (
        r"^[ \t]*(?:(?:const|let|var) [\w{\[$].{0,200}=|(?:async )?function\*? ?\w*\()",
        r"^[ \t]*(?:export (?:default|const|function)|module\.exports|console\.\w+\()",
        r"^[ \t]*import .{1,200} from ['\"]",
        r"=> ?[{(]|require\(['\"]",
    ),
    "TypeScript": (
        r"^[ \t]*(?:export )?(?:interface|type|enum) \w+(?:<.{1,80}>)? ?[={]",
        r"^[ \t]*(?:(?:const|let) \w+ ?: ?[\w<>\[\]|]+ ?=|(?:public|private|readonly) \w+ ?: ?\w+)",
    ),
    "SQL": (
        r"^[ \t]*(?:select\b[^\n]{1,500}\bfrom\b|select[ \t]*$)",
        r"^[ \t]*(?:insert into \w|update \w+ set\b|delete from \w)",
        r"^[ \t]*(?:create|alter|drop) (?:table|view|index|database)\b",
    ),
    "Java": (
        r"^[ \t]*public (?:static |final |abstract )*(?:class|void|interface|enum|int|String)\b",
        r"^[ \t]*(?:import java[\w.]*;|package [\w.]+;|System\.out\.print|@Override)",
    ),
    "C#": (r"^[ \t]*(?:using System[\w.]*;|namespace [\w.]+[ \t]*[{;]?[ \t]*$|Console\.Write(?:Line)?\()",),
    "C++": (r"^[ \t]*(?:#include <\w+>|using namespace \w+;|template ?<)|std::\w",),
    "C": (r"^[ \t]*(?:#include [<\"]\w+\.h[>\"]|#define \w|int main\(|typedef struct)",),
    "Ruby": (r"^[ \t]*(?:require ['\"]|puts |def \w+[?!]?[ \t]*$|attr_\w+ :)",),
    "PHP": (r"<\?php|^[ \t]*\$\w+ ?= ?.{1,200};[ \t]*$",),
    "Swift": (r"^[ \t]*(?:import (?:Foundation|UIKit|SwiftUI)|func \w+\(.{0,200}\) ?->|guard let )",),
    "Kotlin": (r"^[ \t]*(?:fun \w+\(|val \w+ ?[:=]|data class \w)",),
    "Go": (r"^(?:package \w+[ \t]*$|func (?:\(.{1,80}\) ?)?\w+\(|import \()|\w ?:= ",),
    "Rust": (
        r"^[ \t]*(?:fn \w+[(<]|let mut \w|pub (?:fn|struct|enum) |use \w+::|impl\b.{1,100}\{)|println!\(",
    ),
    "Scala": (r"^[ \t]*(?:object \w+ (?:extends|\{)|case class \w|def \w+.{0,200} = ?\{?[ \t]*$)",),
    "R": (r"^[ \t]*(?:library\(\w+\)|\w[\w.]* ?<- ?\S)",),
    "Perl": (r"^[ \t]*(?:use strict;|use warnings;|my [$@%]\w|sub \w+ ?\{)",),
    "Shell": (
        r"^#!/(?:usr/)?bin/(?:env )?(?:ba|z|k)?sh",
        r"^[ \t]*(?:\$ \w|sudo \w|apt(?:-get)? install|export \w+=|echo [\"'$]|cd [~./\w])",
        r"^[ \t]*(?:pip3? install|npm (?:install|run)|git (?:clone|commit|push))",
    ),
    "HTML": (
        r"<!doctype html",
        r"<(?:html|head|body|div|span|script|table|form|ul|p|a)(?:\s[^<>\n]{0,300})?>",
    ),
    "CSS": (
        r"^[ \t]*[.#@]?[\w-]{1,60}[ \t,.#:>\w-]{0,100}\{[ \t]*$",
        r"^[ \t]*[a-z-]{1,60}: ?[^;\n]{1,100};[ \t]*$",
    ),
    "XML": (r"<\?xml |xmlns(?::\w+)?=",),
    "YAML": (r"^---[ \t]*$|^\w[\w-]*:[ \t]*\n(?:[ \t]+(?:- )?\w[\w-]*:|[ \t]*- )",),
    "Dockerfile": (r"^FROM [\w./:@-]+(?: AS \w+)?[ \t]*$|^(?:ENTRYPOINT|WORKDIR) \S",),
}
_ANY_CASE: Final = frozenset({"HTML", "SQL"})


def signs_of(name: str) -> tuple[Pattern, ...]:
    """Patterns for lines that look like code of a language; none for languages unknown here."""
    flags = "im" if name in _ANY_CASE else "m"
    return tuple(compile_pattern(sign, flags) for sign in _SIGNS.get(name, ()))
