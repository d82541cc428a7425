"""The area editor: a map on which municipalities are moved from area to area, in JupyterLab or served by Voila."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anywidget
import numpy as np
import pandas as pd
import traitlets

from diagnosis.areas.governance.reasons import tell_reason
from diagnosis.errors import DiagnosisError, InputError, examples, unknown_name
from diagnosis.governance.draft import AreaDraft, AreaMeasures
from diagnosis.governance.outlines import COLOURS, choose_colours, draw_outlines
from diagnosis.governance.proposal_file import suggest_name
from diagnosis.governance.proposals import ENDINGS, Proposal, save_proposal
from diagnosis.schema import LANGUAGES, Text, build, read_yaml

if TYPE_CHECKING:
    from geopandas import GeoDataFrame

    from diagnosis.areas.governance.problem import AreaProblem

HERE = Path(__file__).parent


class AreaEditor(anywidget.AnyWidget):
    """Show a partition on a map and let its reader change it.

    The page draws and asks; what a move is worth and which limits it breaks is computed here, and sent back as one
    small message. Nothing is loaded from a network.

    Parameters
    ----------
    problem : AreaProblem
    partition : numpy.ndarray of int, shape (n,)
        The computed proposal: area of each unit of the problem.
    municipalities : geopandas.GeoDataFrame
        Indexed by code, at least those of the problem: `name` and polygons in a metric CRS.
    minutes : pandas.DataFrame, optional
        Ways between municipalities, codes by codes.
    minutes_estimated : bool, default True
        Whether they are estimated; the page then says so.
    wished_minutes : float, optional
        Longest way the function wishes, where that is no limit.
    function, function_name : str
        Name of the function, for saved proposals; what it is called on the page.
    data : str
        Version of the data, for saved proposals.
    folder : str or Path, optional
        Where proposals are saved; without it none can be.
    language : {"it", "en"}

    Attributes
    ----------
    draft : AreaDraft
        The areas as they stand.
    labels : pandas.Series
        Area of each municipality as it stands, by code.

    Raises
    ------
    diagnosis.errors.InputError
        A municipality has no polygon, or the partition is not one of the problem's units.
    """

    _esm = (HERE / "editor.js").read_text(encoding="utf-8")
    _css = (HERE / "editor.css").read_text(encoding="utf-8")

    language = traitlets.Unicode("it").tag(sync=True)
    texts = traitlets.Dict().tag(sync=True)
    territory = traitlets.Dict().tag(sync=True)
    state = traitlets.Dict().tag(sync=True)
    detail = traitlets.Dict().tag(sync=True)
    saved = traitlets.Dict().tag(sync=True)

    def __init__(
        self,
        problem: AreaProblem,
        partition: np.ndarray,
        municipalities: GeoDataFrame,
        *,
        minutes: pd.DataFrame | None = None,
        minutes_estimated: bool = True,
        wished_minutes: float | None = None,
        function: str = "",
        function_name: str = "",
        data: str = "",
        folder: str | Path | None = None,
        language: str = "it",
    ) -> None:
        if language not in LANGUAGES:
            raise unknown_name("The language", language, LANGUAGES)
        if absent := [code for code in problem.codes if code not in municipalities.index]:
            raise InputError("Every municipality must be on the map", f"they are not: {examples(absent)}")
        self.draft = AreaDraft(problem, partition, minutes=minutes, wished_minutes=wished_minutes)
        self._places = municipalities.loc[problem.codes, ["name", municipalities.geometry.name]].assign(
            residents=problem.population
        )
        self._names = self._places["name"].astype("str").tolist()
        self._about = {"function": function, "data": data}
        self._folder = None if folder is None else Path(folder)
        self._own: set[str] = set()
        self._warned = ""
        self._colours: dict[int, int] = {}
        self._started = self.draft.measures()
        super().__init__(
            language=language,
            texts={name: text[language] for name, text in load_texts().items()},
            territory={
                **draw_outlines(self._places, problem.unit_of, _pairs(problem)),
                "codes": list(map(str, problem.codes)),
                "names": self._names,
                "population": problem.population.tolist(),
                "unit": problem.unit_of.tolist(),
                "near": _pairs(problem).tolist(),
                "fixed": problem.fixed.tolist(),
                "start": self.draft.start.tolist(),
                "colours": COLOURS,
                "function": function_name,
                "minutes": minutes is not None,
                "estimated": minutes_estimated,
                "wished": wished_minutes,
            },
        )
        self._tell("")
        self.on_msg(self._receive)

    @property
    def labels(self) -> pd.Series:
        """Area of each municipality as it stands, by code."""
        return self.draft.labels()

    def carry_out(self, command: Mapping[str, Any]) -> None:
        """Carry out what the page asks for.

        Parameters
        ----------
        command : mapping
            `do`: ``"move"`` (`code`; `area`, None for a new one), ``"undo"``, ``"redo"``, ``"reset"``, ``"choose"``
            (`code`, None for nobody) or ``"save"`` (`name`, `note`, `date`). What cannot be done changes nothing, and
            `state` or `saved` says so.
        """
        do = command.get("do")
        code = command.get("code")
        known = code if isinstance(code, str) and code in self.draft.problem.codes else None
        if do == "move":
            area = command.get("area")
            try:
                self.draft.move(str(code), area)
            except InputError:
                self._tell("refused", known)
            else:
                self._tell("done_new" if area is None else "done_move", known)
        elif do in ("undo", "redo", "reset"):
            getattr(self.draft, str(do))()
            self._tell(f"done_{do}")
        elif do == "choose":
            self.detail = {} if known is None else self._explain(known)
        elif do == "save":
            self._save(command)

    def open_proposal(self, proposal: Proposal) -> None:
        """Take a saved proposal as the next step.

        Raises
        ------
        diagnosis.errors.InputError
            Its municipalities are not those of the problem, or it divides some that must stay together.
        """
        problem = self.draft.problem
        areas = pd.factorize(proposal.labels.reindex(problem.codes))[0]
        if (areas < 0).any():
            raise InputError(
                f"{proposal.name}: a proposal must have an area for every municipality",
                f"without one: {examples(problem.codes[areas < 0])}",
            )
        by_unit = areas[problem.member_indices[problem.member_indptr[:-1]]]
        if (divided := by_unit[problem.unit_of] != areas).any():
            raise InputError(
                f"{proposal.name}: municipalities that must stay together must be in one area",
                f"it divides {examples(problem.codes[divided])} from the others",
            )
        self.draft.replace(by_unit)
        self._tell("")

    def _receive(self, _widget: Any, content: Any, _buffers: Any) -> None:
        if isinstance(content, Mapping):
            self.carry_out(content)

    def _tell(self, done: str, code: str | None = None) -> None:
        """Send the areas as they stand."""
        draft = self.draft
        found = draft.measures()
        self._colours = choose_colours(self._touching(), self._colours)
        self.state = {
            "serial": self.state.get("serial", 0) + 1,
            "done": done,
            "about": None if code is None else int(draft.problem.codes.get_loc(code)),
            "area": draft.partition.tolist(),
            "moved": np.flatnonzero((draft.partition != draft.start)[draft.problem.unit_of]).tolist(),
            "areas": [self._describe(area, item) for area, item in found.items()],
            "total": self._totals(found),
            "start": self._totals(self._started),
            "start_names": {str(area): self._names[item.centre] for area, item in self._started.items()},
            "can_undo": draft.can_undo,
            "can_redo": draft.can_redo,
        }
        if self.detail:
            self.detail = self._explain(self.detail["code"])

    def _describe(self, area: int, found: AreaMeasures) -> dict[str, Any]:
        return {
            "area": area,
            "centre": found.centre,
            "colour": self._colours[area],
            "members": found.members,
            "population": found.population,
            "jobs": _number(found.jobs),
            "containment": _number(found.self_containment),
            "validity": _number(found.validity),
            "longest": _number(found.longest),
            "farthest": found.farthest,
            "unreached": found.unreached,
            "beyond": found.beyond,
            "limits": [self._limit(name, found) for name in found.limits],
        }

    def _limit(self, name: str, found: AreaMeasures) -> dict[str, Any]:
        problem = self.draft.problem
        value = {
            "min_members": (found.members, problem.min_members),
            "max_members": (found.members, problem.max_members),
            "min_population": (found.population, problem.min_population),
            "max_minutes": (math.nan if found.unreached else found.longest, problem.max_minutes),
            "validity": (found.validity, 1.0),
        }.get(name, (math.nan, math.nan))
        return {"limit": name, "value": _number(value[0]), "needed": _number(value[1])}

    def _totals(self, found: Mapping[int, AreaMeasures]) -> dict[str, Any]:
        return {
            "interaction": sum(item.value for item in found.values()),
            "within": _number(sum(item.within for item in found.values())),
            "employed": _number(sum(item.employed for item in found.values())),
            "areas": len(found),
            "broken": sum(bool(item.limits) for item in found.values()),
        }

    def _touching(self) -> dict[int, set[int]]:
        """Areas that touch each area."""
        partition = self.draft.partition
        touching: dict[int, set[int]] = {area: set() for area in self.draft.areas}
        pairs = partition[_pairs(self.draft.problem)]
        for one, other in np.unique(pairs[pairs[:, 0] != pairs[:, 1]], axis=0).tolist():
            touching[one].add(other)
        return touching

    def _explain(self, code: str) -> dict[str, Any]:
        """Say why a municipality is where it is, and what each of its moves would do."""
        draft = self.draft
        reason = draft.reasons().loc[code]
        centres = draft.centres()
        other = self._names[centres[int(reason["second"])]] if pd.notna(reason["second"]) else ""
        position = int(draft.problem.codes.get_loc(code))
        unit = draft.unit(code)
        alone = len(draft.units(int(draft.partition[unit]))) == 1
        destinations = [*draft.destinations(code), *([] if alone else [None])]
        choices = []
        for area in [] if draft.problem.fixed[unit] else destinations:
            change, limits = draft.foresee(code, area)
            choices.append({"area": area, "change": _number(change), "limits": list(limits)})
        return {
            "state": self.state["serial"],
            "code": code,
            "position": position,
            "reason": tell_reason(reason, self._names[position], other, self.language),
            "with_it": [self._names[i] for i in draft.problem.codes.get_indexer(draft.companions(code))],
            "choices": sorted(choices, key=lambda item: (item["area"] is None, -(item["change"] or 0))),
        }

    def _save(self, command: Mapping[str, Any]) -> None:
        text = str(command.get("name") or "").strip()
        if self._folder is None:
            self._answer("save_nowhere")
            return
        if not text:
            self._answer("save_no_name")
            return
        name = suggest_name(text)
        there = any((self._folder / f"{name}{ending}").exists() for ending in ENDINGS)
        if there and name not in (*self._own, self._warned):
            self._warned = name
            self._answer("save_there", name=name)
            return
        self._warned = ""
        try:
            files = save_proposal(self._folder, name, replace=True, **self._content(command))
        except DiagnosisError as error:
            self._answer("save_failed", reason=str(error))
            return
        self._own.add(name)
        self._answer(
            "saved", name=name, files=[path.name for path in files.values()], folder=str(self._folder)
        )

    def _content(self, command: Mapping[str, Any]) -> dict[str, Any]:
        """Put together what is saved of the areas as they stand."""
        draft = self.draft
        found = draft.measures()
        names = {area: self._names[item.centre] for area, item in found.items()}
        first = {area: self._names[item.centre] for area, item in self._started.items()}
        before, after = draft.labels(draft.start), draft.labels()
        return {
            "labels": after,
            "municipalities": self._places,
            "area_names": names,
            "date": str(command.get("date") or ""),
            "note": str(command.get("note") or ""),
            "moved": [(code, first[before[code]], names[after[code]]) for code in draft.moved()],
            "figures": self._figures(found),
            "measures": found,
            **self._about,
        }

    def _figures(self, found: Mapping[int, AreaMeasures]) -> dict[str, float]:
        """Return the figures of a saved proposal, and those of the computed one under `start_`."""
        return {
            **self._totals(found),
            **{f"start_{name}": value for name, value in self._totals(self._started).items()},
            "moved": len(self.draft.moved()),
        }

    def _answer(self, key: str, **values: Any) -> None:
        self.saved = {"serial": self.saved.get("serial", 0) + 1, "answer": key, **values}


@functools.cache
def load_texts() -> dict[str, Text]:
    """Load the words of the page."""
    path = HERE / "editor_texts.yml"
    return {name: build(Text, entry, f"{path.name}: {name}") for name, entry in read_yaml(path).items()}


def _pairs(problem: AreaProblem) -> np.ndarray:
    """Return the units that touch, both ways."""
    rows = np.repeat(np.arange(problem.n_units), np.diff(problem.neighbour_indptr))
    return np.stack([rows, problem.neighbour_indices], axis=1)


def _number(value: float) -> float | None:
    """Return a number that JSON can say."""
    return float(value) if math.isfinite(value) else None
