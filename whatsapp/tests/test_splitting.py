"""Long texts become several messages, cut where a reader would pause."""

from tests.properties import given, settings
from tests.properties import strategies as st
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


def test_counts_as_whatsapp_does_and_tears_no_emoji_apart() -> None:
    assert [len(part) for part in split_text("😀" * 1000)] == [800, 200]
    family, flag, accent = "👩\u200d👧\u200d👦", "🇩🇪", "e\u0301"
    for sign in (family, flag, accent, "👍🏽", "❤\ufe0f"):
        parts = split_text(f"x{sign * 60}", 41)[:-1]
        assert all(part.removeprefix("x").replace(sign, "") == "" for part in parts), sign


def test_cuts_what_is_nothing_but_one_sign() -> None:
    assert "".join(split_text("\u0301" * 50, 20)) == "\u0301" * 50
