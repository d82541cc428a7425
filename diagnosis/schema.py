"""What all validated files share: bilingual texts, strict models, YAML with errors a user can act on."""

from __future__ import annotations

import difflib
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from diagnosis.errors import EXAMPLES_SHOWN, ConfigError, unknown_name

LANGUAGES = ("it", "en")
STEERING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Signs that turn the direction of writing: what stands around them would be read otherwise than it is."""
HINTS = {
    "cannot start any token": "Use spaces instead of tabs, and quotes around a text that begins with a sign",
    "found a tab character": "Use spaces instead of tabs",
    "mapping values are not allowed": "Put a text that holds a colon in double quotes",
    "expected ','": "Close the bracket or brace, and put a text that holds an apostrophe in double quotes",
    "expected <block end>": "Put the text in double quotes, or mend the indentation",
}
"""What to do about the commonest complaints of the parser, which speaks to programmers."""
ModelType = TypeVar("ModelType", bound=BaseModel)
_LONGEST_SHOWN = 80
_DEEPEST = 50
_MOST_ALIASES = 100
_MERGE_TAG = "tag:yaml.org,2002:merge"


class Model(BaseModel):
    """Base of every configuration section: unknown fields are refused, numbers finite, values frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True, allow_inf_nan=False)


class Text(Model):
    """A text in the two languages of the project."""

    it: str = Field(min_length=1, description="Italian")
    en: str = Field(min_length=1, description="English")

    @field_validator("it", "en")
    @classmethod
    def _printable(cls, text: str) -> str:
        if any(
            sign in STEERING or (unicodedata.category(sign) == "Cc" and sign not in "\t\n\r") for sign in text
        ):
            raise ValueError("a text must not hold control characters")
        return text

    def __getitem__(self, language: str) -> str:
        if language not in LANGUAGES:
            raise unknown_name("The language", language, LANGUAGES)
        return getattr(self, language)


def lower_first(text: str) -> str:
    """Write a text as it goes on in a sentence: its first letter small, but for acronyms and roman numerals."""
    first = text.split(" ", 1)[0].rstrip(",;:.")
    if first.isupper() and (len(first) > 1 or first in "IVX"):
        return text
    return text[:1].lower() + text[1:]


def build(model: type[ModelType], values: Mapping[str, Any], origin: str) -> ModelType:
    """Build a pydantic model, with an error a user can act on.

    Parameters
    ----------
    model : type of BaseModel
        What the values must be.
    values : mapping
        Fields as read from a file.
    origin : str
        File or entry named in the error.

    Returns
    -------
    BaseModel

    Raises
    ------
    diagnosis.errors.ConfigError
        A field is unknown (the nearest one is named), missing or wrong; at most five are shown.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        shown = [_describe_fault(fault, model) for fault in error.errors()[:EXAMPLES_SHOWN]]
        others = error.error_count() - len(shown)
        raise ConfigError(
            f"{origin}: every field must be a known one with a value of its kind",
            "; ".join([*shown, f"and {others} more"] if others else shown),
            "Correct the file",
        ) from None


def _describe_fault(fault: Mapping[str, Any], model: type[BaseModel]) -> str:
    """Say one complaint of pydantic in words, with the nearest name for an unknown field."""
    place = ".".join(str(part) for part in fault["loc"])
    if fault["type"] == "extra_forbidden":
        *section, name = fault["loc"]
        known = _section(model, section).model_fields
        near = difflib.get_close_matches(str(name), known, n=1, cutoff=0.6)
        return f"{place!r} is not a field" + (f", did you mean {near[0]!r}?" if near else "")
    if fault["type"] == "missing":
        return f"{place!r} is missing"
    message = fault["msg"].removeprefix("Value error, ")
    if not place:
        return message
    given = fault["input"]
    shown = repr(given) if isinstance(given, str | int | float | None) else ""
    shown = shown if len(shown) <= _LONGEST_SHOWN else f"{shown[:_LONGEST_SHOWN]}..."
    found = f", {shown} was given" if shown else ""
    if fault["type"] == "string_type" and isinstance(given, int | float):
        found += " (write it in quotes)"  # YAML reads 071024 as an octal number
    return f"{place!r}: {message}{found}"


def _section(model: type[BaseModel], place: Sequence[int | str]) -> type[BaseModel]:
    """Return the model of the section that `place` leads to; positions in lists and keys are passed over."""
    for part in place:
        if part in model.model_fields:
            annotation = model.model_fields[part].annotation
            kinds = [kind for kind in (annotation, *get_args(annotation)) if isinstance(kind, type)]
            model = next((kind for kind in kinds if issubclass(kind, BaseModel)), model)
    return model


class _UniqueKeys(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """The parser in C (ten times faster than Python's), which also refuses repeated keys and merge keys.

    YAML lets the last of two equal keys win in silence: a whole entry would vanish. Merge keys (``<<``) are copied
    where they are used, so that a short file of nested ones fills the memory.
    """

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        keys = [key for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        if any(key.tag == _MERGE_TAG for key in keys):
            raise yaml.MarkedYAMLError(
                problem="merge keys (<<) are not allowed", problem_mark=node.start_mark
            )
        key, times = next(iter(Counter(key.value for key in keys).most_common(1)), ("", 0))
        if times > 1:
            raise yaml.MarkedYAMLError(
                problem=f"the key {key!r} is given twice", problem_mark=node.start_mark
            )
        return super().construct_mapping(node, deep)


def _check_structure(text: str) -> None:
    """Refuse deep nesting, which would end the parser in C, and many aliases, which make a short file a long one."""
    depth = aliases = 0
    for event in yaml.parse(text, Loader=_UniqueKeys):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > _DEEPEST:
                problem = f"lists and sections are nested more than {_DEEPEST} deep"
                raise yaml.MarkedYAMLError(problem=problem, problem_mark=event.start_mark)
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        elif isinstance(event, yaml.AliasEvent):
            aliases += 1
            if aliases > _MOST_ALIASES:
                problem = f"there are more than {_MOST_ALIASES} references (*)"
                raise yaml.MarkedYAMLError(problem=problem, problem_mark=event.start_mark)


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML file whose top level is a mapping.

    Raises
    ------
    diagnosis.errors.ConfigError
        The file is absent, not UTF-8, not YAML, repeats a key, or is not a mapping.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        _check_structure(text)
        content = yaml.load(text, Loader=_UniqueKeys)
    except FileNotFoundError:
        raise ConfigError(f"{path.name} must exist", f"{path} was not found") from None
    except OSError as error:
        raise ConfigError(f"{path.name} must be readable", f"{path}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"{path.name} must be text in UTF-8", str(error.reason), "Save it as UTF-8"
        ) from None
    except (yaml.YAMLError, RecursionError, ValueError, TypeError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}: " if mark else ""
        problem = getattr(error, "problem", None) or "it cannot be parsed"
        advice = next((text for sign, text in HINTS.items() if sign in problem), "Correct the line")
        raise ConfigError(f"{path.name} must be readable YAML", f"{where}{problem}", advice) from None
    if not isinstance(content, dict):
        found = "it is empty" if content is None else f"found {type(content).__name__}"
        raise ConfigError(f"{path.name} must hold fields with values", found)
    return content
