"""containsCode: code of a language, in fences or without."""

from __future__ import annotations

import pytest
from ask_kit import data_of, judge, problems_of

from llmroute.hooks.support.fences import markdown_fences

MARKDOWN = [
    ("C++", "```c++\nint x;\n```", True),
    ("C#", "```c#\nint x;\n```", True),
    ("C#", "```csharp\nint x;\n```", True),
    ("YAML", "```yaml\na: 1\n```", True),
    ("Shell", "```bash\nls\n```", True),
    ("bash", "```sh\nls\n```", True),
    ("Ruby", "```ruby\nputs 1\n```", True),
    ("python", "```Python\nx\n```", True),
    ("Python", "```python title=a.py\nx\n```", True),
    ("Python", "```python\r\nx\r\n```", True),
    ("Python", "~~~python\nx\n~~~", True),
    ("Python", "1. Do:\n   ```python\n   x\n   ```", True),
    ("Python", "> ```python\n> x\n> ```", True),
    ("Python", "```python\nx = 1", True),
    ("Python", "````md\n```python\nx\n```\n````", False),
    ("Python", "Use ```python``` for it", False),
    ("Python", "```js\nx\n```", False),
    ("Python", "def f(x):\n    return 1", False),
    ("Elixir", "```elixir\nx\n```", True),
]


@pytest.mark.parametrize(("format_", "text", "expected"), MARKDOWN)
def test_fences_are_those_of_markdown_with_a_method(format_, text, expected):
    """Any common tag or name of the language, tildes, indentation, any line ends, an open fence."""
    assert expected is judge("containsCode", {"format": format_, "method": "markdown"}, text)


@pytest.mark.parametrize(
    ("format_", "code"),
    [
        ("Python", "def f(x):\n    return 1"),
        ("Python", "from os import path"),
        ("JavaScript", "const a = [1, 2]"),
        ("JavaScript", "items.map(x => { return x })"),
        ("TypeScript", "interface A {\n  b: string\n}"),
        ("SQL", "select a, b from t where c = 1"),
        ("Java", "public static void main(String[] args) {"),
        ("C", "#include <stdio.h>"),
        ("C++", "std::cout << 1;"),
        ("C#", "using System.Linq;"),
        ("Go", "func main() {"),
        ("Rust", "fn main() {"),
        ("PHP", "<?php echo 1; ?>"),
        ("Ruby", "require 'json'"),
        ("Shell", "$ sudo apt install x"),
        ("HTML", '<div class="a">b</div>'),
        ("CSS", ".a {\n  color: red;\n}"),
        ("Dockerfile", "FROM python:3.11\nRUN x"),
        ("Kotlin", "fun main() {"),
        ("Perl", "use strict;"),
        ("XML", '<?xml version="1.0"?>'),
    ],
)
def test_unfenced_code_is_recognised_by_what_it_looks_like(format_, code):
    """Only with the method "heuristics", in a fence without a tag, too, and not in a fence of another kind."""
    parameters = {"format": format_, "method": "heuristics"}

    assert judge("containsCode", parameters, f"Here it is:\n{code}\nThat is all.")
    assert judge("containsCode", parameters, f"```\n{code}\n```")
    assert not judge("containsCode", {**parameters, "method": "markdown"}, code)


@pytest.mark.parametrize("format_", ["Python", "JavaScript", "SQL", "Java", "C", "Go", "Ruby", "CSS", "HTML"])
def test_prose_is_no_code(format_):
    """Words of programming languages in sentences are not taken for code."""
    prose = (
        "I import goods from China, and select the best. The class is over; let us go: for a while, that is."
    )

    assert not judge("containsCode", {"format": format_, "method": "heuristics"}, prose)


def test_the_recorded_way_knows_few_tags():
    """Compared exactly, tags in any case."""
    assert judge("containsCode", {"format": "Python"}, "```PY\nx\n```")
    assert not judge("containsCode", {"format": "python"}, "```python\nx\n```")
    assert ["constructor"] == data_of("containsCode", {"format": "x"}, "```constructor\n\n```")[
        "foundFormats"
    ]


def test_fences_tell_where_they_stand():
    """Body, tag and place of each block; what is between them is prose."""
    text = "a\n```py x\n1\n2\n```\nb\n~~~\n3\n~~~"

    fences = list(markdown_fences(text))

    assert [("py", "1\n2"), ("", "3")] == [(fence.tag, fence.body) for fence in fences]
    assert ["```py x\n1\n2\n```", "~~~\n3\n~~~"] == [text[fence.start : fence.end] for fence in fences]


def test_a_format_is_needed():
    """Empty text names no language."""
    assert 1 == len(problems_of("containsCode", {"format": ""}))
    assert 1 == len(problems_of("containsCode", {}))
