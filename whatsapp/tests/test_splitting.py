"""Long texts become several messages, cut where a reader would pause."""

from hypothesis import given, settings
from hypothesis import strategies as st

from whatsapp.splitting import MAX_PARTS, split_text


def test_leaves_alone_what_fits() -> None:
    assert split_text(" Hello. ") == ["Hello."]
    assert split_text("x" * 1600) == ["x" * 1600]
    assert split_text(" ") == []


def test_prefers_paragraphs_to_sentences_and_sentences_to_words() -> None:
    assert split_text("First one. Second.\n\nThird one here.", 30) == ["First one. Second.", "Third one here."]
    assert split_text("First sentence here. Second one is long.", 30) == ["First sentence here.", "Second one is long."]
    assert split_text('He said "no way at all." Then he left us.', 30) == [
        'He said "no way at all."',
        "Then he left us.",
    ]
    assert split_text("one two three four five six seven", 20) == ["one two three four", "five six seven"]
    assert split_text("x" * 50, 20) == ["x" * 20, "x" * 20, "x" * 10]


def test_ends_what_nobody_would_read() -> None:
    parts = split_text("word " * 5000)

    assert len(parts) == MAX_PARTS
    assert parts[-1].endswith("…")


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="ab .\n!?”؟", max_size=90), st.integers(min_value=20, max_value=40))
def test_loses_and_adds_nothing_but_spaces(text: str, limit: int) -> None:
    parts = split_text(text, limit)

    assert all(0 < len(part) <= limit for part in parts)
    assert "".join("".join(parts).split()) == "".join(text.split())
