"""Nothing that is put into a page becomes a part of it, but what was made to be."""

import json
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from reporting_pages.markup import element, embedded, joined


class Reader(HTMLParser):
    """What a browser would see: elements with their attributes, and text."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def seen(markup: str) -> Reader:
    reader = Reader()
    reader.feed(markup)
    reader.close()
    return reader


plain = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\0"))


@given(plain, plain)
def test_text_and_attributes_come_back_as_they_were_whatever_they_hold(text, value):
    found = seen(element("p", text, title=value))
    assert found.elements == [("p", {"title": value})]
    assert found.text == text


class Element:
    """Markup of another library."""

    def __html__(self) -> str:
        return "<i>x</i>"


def test_markup_of_any_library_is_content_and_none_ends_an_attribute():
    assert (
        element("p", Element(), [Element()], title=Markup('"<'))
        == '<p title="&#34;&lt;"><i>x</i><i>x</i></p>'
    )
    assert element("p").__html__() == "<p></p>"


@given(
    st.recursive(
        plain,
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(plain, inner, max_size=3)
        ),
    )
)
def test_json_in_a_script_comes_back_and_cannot_end_the_script(value):
    text = embedded(value)
    assert json.loads(text) == value
    assert not set(text) & set("<>&\u2028\u2029")


@pytest.mark.parametrize(
    ("given_", "markup"),
    [
        (element("p", "a", None, 3, ["b", element("b", "<")]), "<p>a3b<b>&lt;</b></p>"),
        (element("p", Markup("<i>as it is</i>")), "<p><i>as it is</i></p>"),
        (element("meta", charset="utf-8"), '<meta charset="utf-8">'),
        (element("ul", class_="x", aria_label='"', hidden=True, id=None, title=False), '<ul class="x" aria-label="&#34;" hidden></ul>'),
        (joined(["<", Markup("<br>")]), "&lt;<br>"),
    ],
)  # fmt: skip
def test_an_element_is_written_so(given_, markup):
    assert given_ == markup
