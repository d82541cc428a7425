"""Errors a user can act on: what must hold, what was found, what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

EXAMPLES_SHOWN = 5
MOST_LISTED = 100
"""Accepted names an error lists: all sources or indicators, not all municipalities."""


class DiagnosisError(Exception):
    """Base of every error that is the input's fault and not the code's.

    Parameters
    ----------
    must_hold : str
        The rule that was broken, in words.
    found : str, optional
        What was met instead, with at most five examples (see :func:`examples`).
    to_do : str, optional
        What the user can do about it.
    """

    def __init__(self, must_hold: str, found: str = "", to_do: str = "") -> None:
        self.must_hold, self.found, self.to_do = must_hold, found, to_do
        super().__init__(" ".join(_sentence(part) for part in (must_hold, found, to_do) if part))

    def __reduce__(self):  # keeps the three parts when the error crosses a process boundary
        return type(self), (self.must_hold, self.found, self.to_do)


class InputError(DiagnosisError, ValueError):
    """A table, file or parameter breaks its contract."""


class UnknownNameError(InputError, KeyError):
    """A name (city, indicator, parameter, source) that is not among the known ones."""

    __str__ = Exception.__str__


class ConfigError(InputError):
    """A configuration file (city, sources, catalogue) cannot be read or breaks its rules."""


class SourceError(DiagnosisError):
    """A source is not available here, or its file is not what its publisher issues."""


class NotApplicableError(DiagnosisError):
    """A stage has no meaning for this city: it is left out, and nothing has failed."""


def _sentence(text: str) -> str:
    text = text.strip()
    return text if text.endswith((".", "!", "?", ":")) else f"{text}."


def examples(values: Iterable, limit: int = EXAMPLES_SHOWN) -> str:
    """At most `limit` values, quoted and joined, followed by the number of the others."""
    values = list(values)
    shown = ", ".join(repr(value) if isinstance(value, str) else str(value) for value in values[:limit])
    return f"{shown} and {len(values) - limit} more" if len(values) > limit else shown


def unknown_name(kind: str, name: object, known: Iterable[str], to_do: str = "") -> UnknownNameError:
    """Build the error for an unknown name, with the nearest known one.

    Parameters
    ----------
    kind : str
        What the name should be, e.g. ``"city"``.
    name : object
        The name that was given.
    known : iterable of str
        The accepted names.
    to_do : str, optional
        Overrides the advice.

    Returns
    -------
    UnknownNameError
    """
    known = sorted(known)
    lower = {item.lower(): item for item in known}
    near = difflib.get_close_matches(str(name).lower(), list(lower), n=1, cutoff=0.6)
    if not to_do:
        shown = ", ".join(known[:MOST_LISTED])
        others = len(known) - MOST_LISTED
        listed = f"{shown} and {others} more" if others > 0 else shown
        to_do = f"Did you mean {lower[near[0]]!r}?" if near else f"Choose one of: {listed}"
    return UnknownNameError(
        f"{kind} must be one of the {len(known)} known ones", f"{name!r} was given", to_do
    )
