"""Documents and records made at random, from a seed that makes the same ones again."""

import random

NAMES = ["a", "b", "c", "d"]
TYPES = ["null", "boolean", "integer", "number", "string", "array", "object"]
TEXTS = ["", "a", "ab", "2026-11-30", "2026-02-30", "2026-11-30T10:00:00Z", "2026-11-30T10:00:00.5+01:00", "x" * 9]  # fmt: skip
NUMBERS = [-3, 0, 1, 2, 3, 0.5, 1.0, -2.0, 2**31, 2**62]
SINGLE = ["not", "if", "then", "else", "items", "contains"]
SEVERAL = ["allOf", "anyOf", "oneOf"]


class Made(random.Random):
    """Generator of documents and records."""

    def some(self, values, most):
        return self.sample(values, self.randint(1, most))

    def leaf(self):
        return self.choice([None, self.choice([True, False]), self.choice(NUMBERS), self.choice(TEXTS)])  # fmt: skip

    def value(self, depth=2):
        kind = self.random()
        if depth and kind < 0.15:
            return [self.value(depth - 1) for _ in range(self.randint(0, 3))]
        if depth and kind < 0.3:
            return self.fields(depth - 1)
        return self.leaf()

    def fields(self, depth):
        return {name: self.value(depth) for name in self.sample(NAMES, self.randint(0, 4))}  # fmt: skip

    def records(self):
        return [self.fields(2) if self.random() < 0.9 else self.leaf() for _ in range(8)]  # fmt: skip

    def schema(self, depth=2):
        """A schema of one or two keywords, or a boolean."""
        if self.random() < 0.1:
            return self.choice([True, True, True, False])
        schema = {}
        for _ in range(self.randint(1, 2)):
            schema |= self.keyword(depth)
        return schema

    def keyword(self, depth):
        plain = {
            "type": lambda: self.choice([self.choice(TYPES), self.some(TYPES, 3)]),
            "enum": lambda: [self.leaf() for _ in range(self.randint(1, 4))],
            "const": self.leaf,
            "format": lambda: self.choice(["date", "date-time", "email"]),
            "minimum": lambda: self.randint(-3, 3),
            "exclusiveMaximum": lambda: self.randint(-3, 3),
            "maxLength": lambda: self.randint(0, 20),
            "pattern": lambda: self.choice(["^a", "[0-9]"]),
            "minItems": lambda: self.randint(0, 2),
            "required": lambda: self.some(NAMES, 2),
            "additionalProperties": lambda: self.random() < 0.7,
            "$ref": lambda: self.choice(["#/$defs/a", "#/$defs/b", "#"]),
        }
        nested = {
            "properties": lambda: {name: self.schema(depth - 1) for name in self.some(NAMES, 3)},
            **{name: lambda: self.schema(depth - 1) for name in SINGLE},
            **{name: lambda: [self.schema(depth - 1) for _ in range(self.randint(1, 3))] for name in SEVERAL},
        }  # fmt: skip
        choices = plain if not depth or self.random() < 0.7 else nested
        name = "type" if self.random() < 0.3 else self.choice(list(choices))
        return {name: (plain | nested)[name]()}

    def document(self):
        """A document with at least one property."""
        document = {
            "properties": {name: self.schema() for name in self.some(NAMES, 4)},
            "$defs": {"a": self.schema(), "b": self.schema(1)},
        }
        if self.random() < 0.3:
            document["$schema"] = "http://json-schema.org/draft-07/schema#"
        while self.random() < 0.3:
            document |= {key: value for key, value in self.keyword(2).items() if key != "properties"}  # fmt: skip
        return document
