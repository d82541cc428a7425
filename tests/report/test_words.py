"""The words of the report: a language counts only when it is complete."""

import ast
import re
from functools import cache
from pathlib import Path
from string import Formatter

import pytest

import diagnosis
from diagnosis.errors import UnknownNameError
from diagnosis.report.words import Words, read_texts
from diagnosis.schema import LANGUAGES

PACKAGE = Path(diagnosis.__file__).parent
TEMPLATES = PACKAGE / "report" / "templates"
CALLED = {"words", "w"}
LONG = 40


def fields(text):
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def plurals(text):
    return [form for _, name, form, _ in Formatter().parse(text) if name is not None and form]


@cache
def python_trees():
    return [ast.parse(path.read_text(encoding="utf-8")) for path in PACKAGE.rglob("*.py")]


def family(node):
    """Return the pattern of an f-string, if it has a text of its own to know its keys by."""
    parts = [
        re.escape(part.value) if isinstance(part, ast.Constant) else "[a-z_0-9]+" for part in node.values
    ]
    return "".join(parts) if any(isinstance(part, ast.Constant) for part in node.values) else None


def keys_called():
    """Return the keys, and the patterns of keys, that the package asks for by name."""
    literal, patterns = set(), set()
    for tree in python_trees():
        for node in ast.walk(tree):
            if not (isinstance(node, ast.Call) and node.args):
                continue
            function = node.func
            if not (isinstance(function, ast.Name) and function.id in CALLED):
                continue
            branches = (
                [node.args[0].body, node.args[0].orelse]
                if isinstance(node.args[0], ast.IfExp)
                else [node.args[0]]
            )
            for branch in branches:
                if isinstance(branch, ast.Constant):
                    literal.add(branch.value)
                elif isinstance(branch, ast.JoinedStr) and family(branch):
                    patterns.add(family(branch))
    for template in TEMPLATES.glob("*.j2"):
        text = template.read_text(encoding="utf-8")
        literal |= set(re.findall(r"""\bw\(["']([a-z_]+)["'][,)]""", text))
        patterns |= {f"{name}[a-z_]+" for name in re.findall(r"""\bw\(["']([a-z_]+)["'] ~""", text)}
    return literal, patterns


def test_all_languages_have_the_same_keys():
    first, *others = (set(read_texts(language)) for language in LANGUAGES)
    assert all(first == other for other in others), [first ^ other for other in others]


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_is_empty_or_untrimmed(language):
    for key, text in read_texts(language).items():
        assert isinstance(text, str), key
        assert text, key
        assert text == text.strip(), key
        assert "  " not in text, key


def test_all_languages_fill_in_the_same_values():
    for key, text in read_texts(LANGUAGES[0]).items():
        for language in LANGUAGES[1:]:
            assert fields(text) == fields(read_texts(language)[key]), key


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_choice_by_number_has_two_words(language):
    words = Words(language)
    chosen = 0
    for key, text in read_texts(language).items():
        for form in plurals(text):
            assert re.fullmatch(r"[^|]+\|[^|]+", form), key
            chosen += 1
        if plurals(text):
            shown = [
                re.sub(r"[0-9]", "", words(key, **dict.fromkeys(fields(text), number)))
                for number in (1, 2, 0)
            ]
            assert shown[0] != shown[1] == shown[2], key
    assert chosen > 5


def test_long_texts_differ_between_the_languages():
    """A text that was copied and not translated makes a language incomplete."""
    italian, english = (read_texts(language) for language in LANGUAGES)
    assert not [key for key, text in italian.items() if len(text) > LONG and text == english[key]]


def test_every_key_that_is_used_exists():
    literal, patterns = keys_called()
    known = set(read_texts(LANGUAGES[0]))
    assert len(literal) > 50
    assert not literal - known
    assert not [pattern for pattern in patterns if not any(re.fullmatch(pattern, key) for key in known)]


def test_every_key_is_used():
    nodes = [node for tree in python_trees() for node in ast.walk(tree)]
    constants = {node.value for node in nodes if isinstance(node, ast.Constant)}
    literal, patterns = keys_called()
    patterns |= {family(node) for node in nodes if isinstance(node, ast.JoinedStr) and family(node)}
    patterns = {pattern for pattern in patterns if re.search(r"[a-z]{2}", pattern.replace("[a-z_0-9]+", ""))}
    unused = [
        key
        for key in read_texts(LANGUAGES[0])
        if key not in constants | literal and not any(re.fullmatch(pattern, key) for pattern in patterns)
    ]
    assert not unused


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_unknown_text_names_the_nearest(language):
    with pytest.raises(UnknownNameError, match="summary"):
        Words(language)("sumary")


def test_an_unknown_language_is_refused():
    with pytest.raises(UnknownNameError, match="it"):
        Words("itt")


def test_numbers_follow_the_language():
    italian, english = Words("it"), Words("en")
    assert (italian.number(12345.678, 1), english.number(12345.678, 1)) == ("12.345,7", "12,345.7")
    assert (italian.percent(0.1234), english.percent(0.1234)) == ("12,3\N{NO-BREAK SPACE}%", "12.3%")
    assert english.number(-0.04, 1) == "0.0"
    assert italian.number(float("nan")) == italian.number(None) == "n.d."


@pytest.mark.parametrize(
    ("names", "text"), [([], ""), (["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")]
)
def test_names_are_joined_as_a_sentence_does(names, text):
    assert Words("en").join(names) == text


def test_whole_numbers_are_grouped_inside_a_text():
    assert "12.345 comuni" in Words("it")("index_text", n=12345, edition="2026").replace("città", "comuni")


def test_braces_in_a_value_stay_as_they_are():
    hostile = "{edition} {n:a|b} {0}"
    assert hostile in Words("en")("edition", edition=hostile)
