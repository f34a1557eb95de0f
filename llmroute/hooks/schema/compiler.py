"""From a schema as written to a tree of nodes, with every problem of the schema reported."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Final

from ...config.primitives import found
from ...patterns import Pattern, PatternError, compile_pattern
from . import applicators, assertions
from .node import Keyword, Node
from .references import References, subschemas

Report = Callable[[str, str], None]

#: Schemas in one document; and values of any kind, and how deep they may stand.
MAX_NODES: Final = 5_000
MAX_VALUES: Final = 50_000
MAX_NESTING: Final = 100
#: Characters in all patterns together: compiling them takes time.
MAX_PATTERNS: Final = 10_000

_TYPES: Final = ("array", "boolean", "integer", "null", "number", "object", "string")


def compile_schema(document: Any, report: Report) -> tuple[Node, bool]:
    """The compiled schema, and whether it asks what other keywords have evaluated.

    `report(path, message)` is called for each problem, with paths such as `properties.name.type`.
    """
    problem = _size_problem(document)
    try:
        references = References(document if problem is None else {})
    except ValueError as error:
        problem = str(error)
        references = References({})
    if problem is not None:
        report("", problem)
        return Node(), False
    compiler = _Compiler(references, report)
    try:
        return compiler.node(document, "", ""), compiler.tracked
    except RecursionError:
        report("", "expected fewer references one behind the other")
        return Node(), False


def _size_problem(document: Any) -> str | None:
    count, level = 0, [document]
    for _ in range(MAX_NESTING):
        below: list[Any] = []
        for value in level:
            if isinstance(value, Mapping):
                below += value.values()
            elif isinstance(value, list):
                below += value
        count += len(below)
        if count > MAX_VALUES:
            return f"expected at most {MAX_VALUES:,} values in the schema"
        if not below:
            return None
        level = below
    return f"expected at most {MAX_NESTING} levels"


class _Compiler:
    """Compiles one document; each of its schemas once, so that references may go round in circles."""

    def __init__(self, references: References, report: Report) -> None:
        self.references = references
        self.report = report
        self.tracked = False
        self.pattern_room = MAX_PATTERNS
        self._nodes: dict[int, Node] = {}

    def node(self, schema: Any, path: str, base: str) -> Node:
        """The node of a schema at `path`, which references reach from `base`."""
        known = self._nodes.get(id(schema)) if isinstance(schema, Mapping) else None
        if known is not None:
            return known
        node = Node()
        if isinstance(schema, Mapping):
            self._nodes[id(schema)] = node
        if len(self._nodes) > MAX_NODES:
            self.report("", f"expected at most {MAX_NODES:,} schemas")
        elif schema is False:
            node.fill({}, (applicators.never(),))
        elif isinstance(schema, Mapping):
            _Keywords(self, schema, path, self.references.base_of(schema, base)).fill(node)
        elif schema is not True:
            self.report(path, f"expected a schema, got {found(schema)}")
        return node


class _Keywords:
    """Compiles the keywords of one schema. Readers report what is wrong and give None."""

    def __init__(self, compiler: _Compiler, schema: Mapping[str, Any], path: str, base: str) -> None:
        self.compiler = compiler
        self.schema = schema
        self.path = path
        self.base = base
        # By their ways, so that schemas in places nobody refers to are looked at, too.
        self.nodes = {
            way: compiler.node(inner, self._at(*way), base)
            for way, inner in subschemas(schema)
            if not (way[0] == "dependencies" and isinstance(inner, list))
        }

    def fill(self, node: Node) -> None:
        """Put the keywords into the node, in the order of the reference."""
        common = self._common()
        objects, arrays = (*common, *self._objects()), (*common, *self._arrays())
        numbers, texts = (*common, *self._numbers()), (*common, *self._texts())
        node.fill({dict: objects, list: arrays, int: numbers, float: numbers, str: texts}, tuple(common))

    # -- readers -------------------------------------------------------------------------------------

    def _at(self, *way: str | int) -> str:
        steps = "".join(f"[{step}]" if isinstance(step, int) else f".{step[:60]}" for step in way)
        return (self.path + steps).lstrip(".")

    def problem(self, keyword: str, expected: str) -> None:
        self.compiler.report(self._at(keyword), f"expected {expected}, got {found(self.schema[keyword])}")

    def one(self, keyword: str) -> Node | None:
        """The schema under a keyword."""
        return self.nodes.get((keyword,))

    def many(self, keyword: str) -> list[Node] | None:
        """The schemas in the list under a keyword."""
        value = self.schema.get(keyword)
        if isinstance(value, list) and value:
            return [self.nodes[keyword, index] for index in range(len(value))]
        if keyword in self.schema:
            self.problem(keyword, "a list of schemas")
        return None

    def named(self, keyword: str) -> dict[str, Node] | None:
        """The schemas in the object under a keyword."""
        if keyword in self.schema and not isinstance(self.schema[keyword], Mapping):
            self.problem(keyword, "an object of schemas")
        found = {str(way[1]): node for way, node in self.nodes.items() if way[0] == keyword}
        return found if keyword in self.schema else None

    def limit(self, keyword: str, kind: str = "number") -> Any:
        """The number under a keyword: any, a "count", a "factor" or a "bound"."""
        if keyword not in self.schema:
            return None
        value = self.schema[keyword]
        good = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
        if kind == "count":
            good = good and value >= 0 and float(value).is_integer()
        elif kind == "factor":
            good = good and value > 0
        elif kind == "bound":
            # true and false, as in draft 4, count as 1 and 0: recorded.
            good = good or isinstance(value, bool)
        if good:
            return value
        words = {"count": "a whole number from 0 on", "factor": "a number above 0"}
        self.problem(keyword, words.get(kind, "a number"))
        return None

    def limited(self, *entries: tuple[str, Callable[[Any], Keyword], str]) -> list[Keyword]:
        """Keywords that have a number, those that are given."""
        made = ((make, self.limit(keyword, kind)) for keyword, make, kind in entries)
        return [make(value) for make, value in made if value is not None]

    def names(self, keyword: str, value: Any) -> list[str] | None:
        if isinstance(value, list) and all(isinstance(name, str) for name in value):
            return value
        self.problem(keyword, "a list of texts")
        return None

    def pattern(self, text: Any, *way: str) -> Pattern | None:
        if not isinstance(text, str):
            return None
        self.compiler.pattern_room -= len(text)
        if self.compiler.pattern_room < 0:
            self.compiler.report(
                self._at(*way), f"expected at most {MAX_PATTERNS:,} characters in all patterns"
            )
            return None
        try:
            return compile_pattern(text, "u")
        except PatternError as error:
            self.compiler.report(self._at(*way), f"not a JavaScript pattern: {error}")
            return None

    # -- groups of keywords --------------------------------------------------------------------------

    def _common(self) -> list[Keyword]:
        if "$dynamicRef" in self.schema:
            self.compiler.report(self._at("$dynamicRef"), "not supported; use $ref")
        made: list[Keyword | None] = [
            *(self._reference(name) for name in ("$recursiveRef", "$ref")),
            self._type(),
            assertions.const(self.schema["const"]) if "const" in self.schema else None,
            self._enum(),
        ]
        if (negated := self.one("not")) is not None:
            made.append(applicators.not_(negated))
        for keyword, make in (
            ("anyOf", applicators.any_of),
            ("allOf", applicators.all_of),
            ("oneOf", applicators.one_of),
        ):
            nodes = self.many(keyword)
            if nodes is not None:
                made.append(make(nodes))
        if (condition := self.one("if")) is not None:
            made.append(applicators.if_(condition, self.one("then"), self.one("else")))
        return [keyword for keyword in made if keyword is not None]

    def _reference(self, keyword: str) -> Keyword | None:
        target = self.schema.get(keyword)
        if keyword not in self.schema:
            return None
        if not isinstance(target, str):
            self.problem(keyword, "text")
            return None
        resolved = self.compiler.references.find(target, self.base)
        if resolved is None:
            message = "refers to nothing in this schema; others are never fetched"
            self.compiler.report(self._at(keyword), message)
            return None
        schema, base = resolved
        return applicators.reference(keyword, self.compiler.node(schema, self._at(keyword), base))

    def _type(self) -> Keyword | None:
        written = self.schema.get("type")
        if "type" not in self.schema:
            return None
        names: list[Any] = written if isinstance(written, list) else [written]
        if names and all(isinstance(name, str) and name in _TYPES for name in names):
            return assertions.type_(names, written)
        self.problem("type", f"one or more of {', '.join(_TYPES)}")
        return None

    def _enum(self) -> Keyword | None:
        values = self.schema.get("enum")
        if isinstance(values, list):
            return assertions.enum(values)
        if "enum" in self.schema:
            self.problem("enum", "a list")
        return None

    def _objects(self) -> list[Keyword]:
        schema, made = self.schema, list[Keyword]()
        if "required" in schema and (names := self.names("required", schema["required"])) is not None:
            made.append(assertions.required(names))
        made += self.limited(
            ("minProperties", assertions.min_properties, "count"),
            ("maxProperties", assertions.max_properties, "count"),
        )
        if (node := self.one("propertyNames")) is not None:
            made.append(applicators.property_names(node))
        made += self._dependencies()
        properties = self.named("properties")
        if properties is not None:
            made.append(applicators.properties(properties))
        patterns = self._patterns()
        if patterns:
            made.append(applicators.pattern_properties(patterns))
        if (node := self.one("additionalProperties")) is not None:
            named = frozenset(properties or ())
            made.append(applicators.additional_properties(node, named, [entry[1] for entry in patterns]))
        elif (node := self.one("unevaluatedProperties")) is not None:
            self.compiler.tracked = True
            made.append(applicators.unevaluated_properties(node))
        return made

    def _dependencies(self) -> list[Keyword]:
        made: list[Keyword] = []
        for keyword in ("dependentRequired", "dependentSchemas", "dependencies"):
            if keyword not in self.schema:
                continue
            value = self.schema[keyword]
            if not isinstance(value, Mapping):
                self.problem(keyword, "an object")
                continue
            needs: dict[str, list[str]] = {}
            for name, others in value.items():
                if (keyword, name) not in self.nodes:
                    names = self.names(keyword, others)
                    needs.update({name: names} if names is not None else {})
            if needs:
                made.append(assertions.dependent_required(keyword, needs))
            if nodes := self.named(keyword):
                made.append(applicators.dependent_schemas(keyword, nodes))
        return made

    def _patterns(self) -> list[tuple[str, Pattern, Node]]:
        nodes = self.named("patternProperties") or {}
        compiled = {text: self.pattern(text, "patternProperties", text) for text in nodes}
        return [(text, pattern, nodes[text]) for text, pattern in compiled.items() if pattern is not None]

    def _arrays(self) -> list[Keyword]:
        schema, made = self.schema, list[Keyword]()
        made += self.limited(
            ("maxItems", assertions.max_items, "count"), ("minItems", assertions.min_items, "count")
        )
        start = 0
        if (prefix := self.many("prefixItems")) is not None:
            start = len(prefix)
            made.append(applicators.listed_items("prefixItems", prefix))
        made += self._items(start)
        if (node := self.one("contains")) is not None:
            low, high = self.limit("minContains", "count"), self.limit("maxContains", "count")
            made.append(applicators.contains(node, low, high))
        if (node := self.one("unevaluatedItems")) is not None:
            self.compiler.tracked = True
            made.append(applicators.unevaluated_items(node))
        if schema.get("uniqueItems") is True:
            made.append(assertions.unique_items())
        elif schema.get("uniqueItems", False) is not False:
            self.problem("uniqueItems", "true or false")
        return made

    def _items(self, start: int) -> list[Keyword]:
        message = "Items did not match schema."
        if not isinstance(self.schema.get("items"), list):
            node = self.one("items")
            return [] if node is None else [applicators.further_items("items", node, start, message)]
        # A list is the older form, for the first items.
        first = [self.nodes["items", index] for index in range(len(self.schema["items"]))]
        made = [applicators.listed_items("items", first)]
        if (node := self.one("additionalItems")) is not None:
            message = "Items did not match additional items schema."
            made.append(applicators.further_items("additionalItems", node, len(first), message))
        return made

    def _numbers(self) -> list[Keyword]:
        return self.limited(
            ("minimum", assertions.minimum, "number"),
            ("maximum", assertions.maximum, "number"),
            ("exclusiveMinimum", assertions.exclusive_minimum, "bound"),
            ("exclusiveMaximum", assertions.exclusive_maximum, "bound"),
            ("multipleOf", assertions.multiple_of, "factor"),
        )

    def _texts(self) -> list[Keyword]:
        made = self.limited(
            ("minLength", assertions.min_length, "count"), ("maxLength", assertions.max_length, "count")
        )
        if "pattern" in self.schema:
            if not isinstance(self.schema["pattern"], str):
                self.problem("pattern", "text")
            elif (compiled := self.pattern(self.schema["pattern"], "pattern")) is not None:
                made.append(assertions.pattern(compiled))
        if "format" in self.schema:
            name = self.schema["format"]
            if not isinstance(name, str):
                self.problem("format", "text")
            elif (keyword := assertions.format_(name)) is not None:
                made.append(keyword)
        return made
