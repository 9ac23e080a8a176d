"""Unusual records, as producers, editors and attackers have sent them."""

from __future__ import annotations

from reporting_framework.testing.contracts.base import CANARY


def awkward_records() -> dict[str, bytes]:
    """Return unusual payloads, by the reason.

    Payloads that can hold a value hold `CANARY`.
    """
    canary = CANARY.encode()
    quoted = b'"' + canary + b'"'
    return {
        "empty": b"",
        "white space": b" \r\n\t",
        "a byte order mark alone": b"\xef\xbb\xbf",
        "a byte order mark before an object": b'\xef\xbb\xbf{"a": ' + quoted + b"}",
        "UTF-16": f'{{"a": "{CANARY}"}}'.encode("utf-16"),
        "UTF-32": f'{{"a": "{CANARY}"}}'.encode("utf-32"),
        "not UTF-8": b'{"a": "' + canary + b'\xff\xfe"}',
        "an overlong encoding": b'{"a": "' + canary + b'\xc0\xaf"}',
        "bytes of a surrogate": b'{"a": "' + canary + b'\xed\xa0\x80"}',
        "a lone surrogate": b'{"a": "' + canary + b'\\ud800"}',
        "NUL in a text": b'{"a": "' + canary + b'\\u0000"}',
        "a NUL byte": b'{"a": "' + canary + b'\x00"}',
        "NUL bytes behind": b'{"a": ' + quoted + b"}\x00\x00",
        "no JSON": canary + b" was here",
        "cut off": b'{"a": "' + canary,
        "two objects": b'{"a": ' + quoted + b'}{"a": ' + quoted + b"}",
        "a comma too many": b'{"a": ' + quoted + b",}",
        "single quotes": b"{'a': '" + canary + b"'}",
        "null": b"null",
        "true": b"true",
        "a number": b"17",
        "a text": quoted,
        "an array": b"[" + quoted + b"]",
        "an empty object": b"{}",
        "an empty array": b"[]",
        "an empty name": b'{"": ' + quoted + b"}",
        "a value for a name": b'{"' + canary + b'": 1}',
        "a repeated name": b'{"a": ' + quoted + b', "a": 1}',
        "NaN": b'{"a": NaN, "b": ' + quoted + b"}",
        "Infinity": b'{"a": -Infinity, "b": ' + quoted + b"}",
        "a number beyond binary64": b'{"a": 1e999, "b": ' + quoted + b"}",
        "a huge integer": b'{"a": ' + b"9" * 5000 + b', "b": ' + quoted + b"}",
        "a fraction of many digits": b'{"a": 0.' + b"1" * 5000 + b"}",
        "a leading zero": b'{"a": 007}',
        "deep arrays": b'{"a": ' + b"[" * 20_000 + b"]" * 20_000 + b"}",
        "deep objects": b'{"a": ' * 5000 + b"1" + b"}" * 5000,
        "deep and never closed": b"[" * 100_000,
        "a very long text": b'{"a": "' + canary * 20_000 + b'"}',
        "a very long name": b'{"' + canary * 5000 + b'": 1}',
        "many names": (
            b"{"
            + b", ".join(b'"k%d": %d' % (number, number) for number in range(5000))
            + b"}"
        ),
        "marks that combine": '{"a": "Z̷̡̧a͎l̷g҉o"}'.encode(),
        "right to left": '{"a": "\u202egnp.exe"}'.encode(),
        "a prototype": b'{"__proto__": {"admin": true}, "__class__": "x"}',
        "markup": (
            b"<?xml version='1.0'?><!DOCTYPE x [<!ENTITY y SYSTEM"
            b" 'file:///etc/passwd'>]><x>&y;</x>"
        ),
        "a formula": b'{"a": "=cmd|\' /C calc\'!A0"}',
        "gzip": bytes.fromhex("1f8b08000000000000ffab560200a9f46fbf02000000"),
        "a comment": b'{"a": 1} // ' + canary,
    }
