"""The comment of a city: a little Markdown, nothing that a page would run or load."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnosis.errors import InputError
from diagnosis.sources.own.comment import Block, Run, comment_blocks, read_comment


@pytest.fixture
def comment(tmp_path):
    def read(content):
        data = content if isinstance(content, bytes) else content.encode()
        (tmp_path / "comment.md").write_bytes(data)
        return read_comment(tmp_path)

    return read


def test_no_comment(tmp_path, comment):
    assert read_comment(tmp_path) == ""
    assert comment("") == ""


def test_html_pictures_and_links(comment):
    text = comment(
        "<script>alert(1)</script> & ![foto](http://x/y.png) [sito](https://example.org/a?b=1) "
        "[x](javascript:alert(1)) [y](data:text/html,z) [z](JAVASCRIPT:z)"
    )
    assert text.startswith(
        "&lt;script&gt;alert(1)&lt;/script&gt; &amp; foto [sito](https://example.org/a?b=1) "
    )
    assert "](j" not in text.lower()
    assert "data:" not in text
    assert "]:" not in comment("[a][b]\n\n[b]: javascript:x")
    assert "](" not in comment("*[a](javascript:x(1))*")
    assert comment_blocks(comment("[a](javascript:x)")) == (Block("paragraph", (Run("a"),)),)


def test_hidden_signs(comment):
    assert comment("a\u202eb\u200bc\ufeff\x1b[31md\x08") == "abc[31md"


@pytest.mark.parametrize("content", [b"a\0b", b"x" * 70_000, "é".encode() * 10_001, b"\x81\x8d"])
def test_what_is_no_comment(comment, content):
    with pytest.raises(InputError):
        comment(content)


def test_a_link_is_not_followed(tmp_path):
    (tmp_path / "x").write_text("secret")
    (tmp_path / "comment.md").symlink_to(tmp_path / "x")
    with pytest.raises(InputError):
        read_comment(tmp_path)


def test_windows_text(comment):
    assert comment("Città".encode("cp1252")) == "Città"


@pytest.mark.parametrize(
    "text",
    ["Scrivere a mario.rossi@comune.example.it", "[posta](mailto:x@example.it)", "mario.rossi(at)example.it",
     "m\u200bario@exam\u200bple.it", "mario@**example**.it", "Iscritto: RSSMRA80A01H501U", "rssmra80a01h501u."],
)  # fmt: skip
def test_contacts_and_tax_codes_are_refused(comment, text):
    with pytest.raises(InputError) as refusal:
        comment(f"# Titolo\n\n{text}\n")
    assert refusal.value.place.row == 3
    assert "mario" not in str(refusal.value)


def test_blocks(comment):
    text = comment(
        "# Nota\nPrima **riga**\nseconda <b>\n\n- uno\n- *due*\n1. tre\n\n[qui](https://example.org)\n"
    )
    assert comment_blocks(text) == (
        Block("heading", (Run("Nota"),)),
        Block("paragraph", (Run("Prima "), Run("riga", "strong"), Run(" seconda <b>"))),
        Block("item", (Run("uno"),)),
        Block("item", (Run("due", "emphasis"),)),
        Block("numbered", (Run("tre"),)),
        Block("paragraph", (Run("qui", "", "https://example.org"),)),
    )


@given(st.text(max_size=200))
def test_nothing_begins_html_and_no_link_is_unsafe(tmp_path_factory, text):
    folder = tmp_path_factory.mktemp("c")
    (folder / "comment.md").write_text(text, encoding="utf-8", errors="replace")
    try:
        safe = read_comment(folder)
    except InputError:
        return
    assert not re.search("[<>]", safe)
    for block in comment_blocks(safe):
        assert all(re.match("(https?://|$)", run.link) for run in block.runs)
