"""The checks of prose: each finds its fault, and nothing where there is none."""

import pytest
from tools.prose import checks
from tools.prose.markdown import blocks, broken_blocks, dead_links, first_paragraph
from tools.prose.words import SETTINGS, code_faults, listed_words

SOURCE = '''"""What a module is."""

SETTING = 1
"""A value that is told."""


class Kind:
    """A kind."""

    def one(self):
        """Whether it is."""
        raise ValueError(f"the file {self} lies there, and \\
besides it nothing")

    def two(self):
        return "told"
'''


@pytest.mark.parametrize("word", SETTINGS["words"])
def test_each_word_of_the_list_is_found_in_any_case_and_across_lines(word):
    text = f"one\nA {word.capitalize()} b {word.replace(' ', chr(10))}."
    assert [found.lower() for _, found in listed_words(text)] == [word, word]
    assert next(listed_words(text))[0] == 2
    assert list(listed_words(f"x{word}x")) == []


def test_listed_words_in_docstrings_and_messages_are_found_with_their_lines():
    faults = [fault for fault in code_faults(SOURCE) if "list" in fault[1]]
    assert sorted((line, fault.split()[0]) for line, fault in faults) == [
        (4, '"told"'),
        (12, '"besides"'),
        (12, '"lies"'),
    ]


def test_docstrings_that_open_with_a_question_word_are_found():
    faults = [fault for fault in code_faults(SOURCE) if "opens" in fault[1]]
    assert [(line, fault.split('"')[1]) for line, fault in sorted(faults)] == [
        (1, "What"),
        (11, "Whether"),
    ]
    assert list(code_faults('"""However it is."""')) == []


def test_a_link_without_a_target_is_found(tmp_path):
    page = tmp_path / "page.md"
    (tmp_path / "a b.md").write_text("# There\n")
    page.write_text(
        "# One `two`\n\n# One `two`\n\n[a](#one-two) [b](#one-two_1) [c](#three) [d](no.md) `[e](f)`\n"
        "[g](a%20b.md#there) [h](https://example.com/x) <!-- [i](j) -->\n"
    )
    assert list(dead_links(page)) == ["#three: no such heading", "no.md: no such file"]


def test_a_code_block_that_does_not_parse_is_found():
    fence = "```"
    good = f'{fence}json title="a.ndjson"\n{{"a": 1}}\n{{"a": 2}}\n{fence}\n\n{fence}sh\nfi (\n{fence}\n'
    bad = "".join(
        f"{fence}{language}\n{text}\n{fence}\n"
        for language, text in (
            ("python", "def f("),
            ("toml", "a = "),
            ("json", '{"a": 1,}'),
        )
    )
    assert len(blocks(good)) == 2
    assert list(broken_blocks(good)) == []
    assert [fault.partition(" ")[0] for fault in broken_blocks(bad)] == [
        "python",
        "toml",
        "json",
    ]


def test_the_first_paragraph_is_what_follows_title_and_comments():
    assert first_paragraph("# T\n\n<!-- made -->\n\nOne\ntwo.\n\nThree") == "One\ntwo."
    assert first_paragraph("# T\n") == ""


def test_generated_pages_are_not_those_written_by_hand():
    reference = checks.ROOT / "docs" / "reference"
    assert checks.is_generated(reference / "hooks.md")
    assert not checks.is_generated(reference / "glossary.md")
    assert not checks.is_generated(checks.ROOT / "README.md")


def test_tests_and_templates_are_not_modules_of_the_product():
    names = {str(path.relative_to(checks.ROOT)) for path in checks.modules()}
    assert "framework/src/reporting_framework/errors.py" in names
    assert [name for name in names if name.startswith("tests/")] == []
    assert [name for name in names if "/templates/" in name] == []
