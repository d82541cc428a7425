"""What all validated files share: bilingual texts, strict models, YAML with errors a user can act on."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from diagnosis.errors import EXAMPLES_SHOWN, ConfigError, unknown_name

LANGUAGES = ("it", "en")
ModelType = TypeVar("ModelType", bound=BaseModel)


class Model(BaseModel):
    """Base of every configuration section: unknown fields are refused, values are frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class Text(Model):
    """A text in the two languages of the project."""

    it: str = Field(min_length=1, description="Italian")
    en: str = Field(min_length=1, description="English")

    def __getitem__(self, language: str) -> str:
        if language not in LANGUAGES:
            raise unknown_name("The language", language, LANGUAGES)
        return getattr(self, language)


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
        faults = [_describe_fault(fault, model) for fault in error.errors()]
        raise ConfigError(
            f"{origin}: every field must be a known one with a value of its kind",
            "; ".join(faults[:EXAMPLES_SHOWN])
            + (f"; and {len(faults) - EXAMPLES_SHOWN} more" if len(faults) > EXAMPLES_SHOWN else ""),
            "Correct the file",
        ) from None


def _describe_fault(fault: Mapping[str, Any], model: type[BaseModel]) -> str:
    """Say one complaint of pydantic in words, with the nearest name for an unknown field."""
    place = ".".join(str(part) for part in fault["loc"])
    if fault["type"] == "extra_forbidden":
        near = difflib.get_close_matches(str(fault["loc"][-1]), model.model_fields, n=1, cutoff=0.6)
        return f"{place!r} is not a field" + (f", did you mean {near[0]!r}?" if near else "")
    if fault["type"] == "missing":
        return f"{place!r} is missing"
    message = fault["msg"].removeprefix("Value error, ")
    if not place:
        return message
    given = fault["input"]
    found = f", {given!r} was given" if isinstance(given, str | int | float | None) else ""
    return f"{place!r}: {message}{found}"


class _UniqueKeys(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """The parser in C (ten times faster than Python's), which also refuses a key given twice.

    YAML lets the last of two equal keys win in silence: a whole entry would vanish.
    """

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        for key in keys:
            if keys.count(key) > 1:
                raise yaml.MarkedYAMLError(
                    problem=f"the key {key!r} is given twice", problem_mark=node.start_mark
                )
        return super().construct_mapping(node, deep)


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML file whose top level is a mapping.

    Raises
    ------
    diagnosis.errors.ConfigError
        The file is absent, not UTF-8, not YAML, repeats a key, or is not a mapping.
    """
    try:
        content = yaml.load(path.read_text(encoding="utf-8-sig"), Loader=_UniqueKeys)
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
        raise ConfigError(
            f"{path.name} must be readable YAML", f"{where}{problem}", "Correct the line"
        ) from None
    if not isinstance(content, dict):
        raise ConfigError(f"{path.name} must hold fields with values", f"found {type(content).__name__}")
    return content
