"""Our own Markdown → HTML that our content security policy lets through: no raw HTML, nothing inline."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.token import Token


@dataclass(frozen=True, slots=True)
class Section:
    """A heading of the second level: what a table of contents links to."""

    anchor: str
    title: str


@dataclass(frozen=True, slots=True)
class Document:
    """A rendered page. `title` is its first heading, which stands in `html` too."""

    title: str
    html: SafeString
    sections: tuple[Section, ...]


def render(text: str, *, link: Callable[[str], str]) -> Document:
    """Render CommonMark with tables. `link` turns each target that the text names into the one that is served."""
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    parser.add_render_rule("fence", _render_code)
    tokens = parser.parse(text)
    title, sections, taken = "", [], set[str]()
    for token, content in zip(tokens, [*tokens[1:], Token("text", "", 0)], strict=True):
        if token.type == "heading_open":
            words = _plain(content)
            anchor = _free(slug(words), taken)
            token.attrSet("id", anchor)
            if token.tag == "h1":
                title = title or words
            else:
                _add_permalink(content, anchor)
            if token.tag == "h2":
                sections.append(Section(anchor, words))
        _tidy(token, link)
    html = parser.renderer.render(tokens, parser.options, {})
    # markdown-it escapes what it renders, and raw HTML is off.
    return Document(title=title, html=mark_safe(html), sections=tuple(sections))  # noqa: S308


def slug(text: str) -> str:
    """Make a heading's anchor as GitHub does: a link works there and here."""
    return re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")


def _free(anchor: str, taken: set[str]) -> str:
    name, n = anchor, 1
    while name in taken:
        name, n = f"{anchor}-{n}", n + 1
    taken.add(name)
    return name


def _plain(inline: Token) -> str:
    return "".join(child.content for child in inline.children or () if child.type in {"text", "code_inline"})


def _add_permalink(heading: Token, anchor: str) -> None:
    opening = Token("link_open", "a", 1, attrs={"href": f"#{anchor}", "class": "anchor", "aria-label": "Link here"})
    heading.children = [
        *(heading.children or []),
        opening,
        Token("text", "", 0, content="#"),
        Token("link_close", "a", -1),
    ]


def _tidy(token: Token, link: Callable[[str], str]) -> None:
    # An alignment becomes an inline style, which our policy forbids.
    token.attrs.pop("style", None)
    if token.type == "table_open":
        # A wide table scrolls by itself, and by keyboard as well.
        token.attrSet("class", "docs-table")
        token.attrSet("tabindex", "0")
    for child in token.children or ():
        for name in ("href", "src"):
            if name in child.attrs:
                child.attrSet(name, link(str(child.attrs[name])))


def _render_code(
    self: Any, tokens: list[Token], index: int, options: dict[str, Any], environment: dict[str, Any]
) -> SafeString:
    language = escape(tokens[index].info.strip())
    return format_html(
        '<pre class="code" tabindex="0"><code class="language-{}">{}</code></pre>\n', language, tokens[index].content
    )
