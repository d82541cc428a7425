"""The validated configuration: one YAML a pilot city, and the settings of a run."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, model_validator

from diagnosis.errors import ConfigError, unknown_name
from diagnosis.functions import Function, load_functions
from diagnosis.schema import Model, Text, build, read_yaml

Language = Literal["it", "en"]
NOTEBOOK = "diagnosis.ipynb"
"""The notebook that is run for every city."""
Code = Annotated[str, StringConstraints(pattern=r"^[0-9]{6}$")]
CITY_ID = re.compile(r"^[a-z0-9][a-z0-9-]*$")
NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"
"""Of an edition or a release: also a folder or part of a file's name."""


OFFICIAL_GEOGRAPHIES = ("sll_2021", "sll_2011", "province", "snai_2014", "snai_2021")
"""Those every city's areas are compared with where their tables are there."""
THRESHOLDS = ("min_size", "min_self_containment", "target_size", "target_self_containment")


class AreaParameters(Model):
    """How the areas are drawn (see docs/methods.md)."""

    min_size: float = Field(1000, gt=0, description="Employed residents below which no area is valid.")
    min_self_containment: float = Field(0.60, gt=0, le=1, description="Self-containment a large area needs.")
    target_size: float = Field(
        10000, gt=0, description="Employed residents from which the minimum is enough."
    )
    target_self_containment: float = Field(
        0.75, gt=0, le=1, description="Self-containment a small area needs."
    )
    mode: Literal["clean", "istat"] = Field(
        "clean",
        description="`clean`: connected areas that reach the thresholds; `istat`: as ISTAT's package draws them.",
    )
    within: Literal["region", "province"] | None = Field(
        None, description="Borders no area crosses; `clean` only. Default: none."
    )
    must_link: tuple[Annotated[tuple[Code, ...], Field(min_length=2)], ...] = Field(
        (), description="Groups of municipalities that stay together; `clean` only."
    )
    cannot_link: tuple[tuple[Code, Code], ...] = Field(
        (), description="Pairs of municipalities that never share an area; `clean` only."
    )
    runs: int = Field(
        100, ge=0, le=10_000, description="Runs that show how sensitive the areas are to the counts; 0: none."
    )

    @property
    def thresholds(self) -> dict[str, float]:
        """The four thresholds by name."""
        return self.model_dump(include=set(THRESHOLDS))

    @model_validator(mode="after")
    def _ordered(self) -> AreaParameters:
        if self.min_size >= self.target_size or self.min_self_containment >= self.target_self_containment:
            raise ValueError("each minimum must be below its target")
        if self.mode == "istat" and (self.within or self.must_link or self.cannot_link):
            raise ValueError("within, must_link and cannot_link need mode: clean")
        return self


class Geography(Model):
    """An existing geography of the city: unions of municipalities, health districts, waste or water basins."""

    name: Text = Field(description="What it is, in both languages.")
    file: str = Field(
        description="Table with a code and an area for each municipality, relative to the YAML: CSV, xlsx or Parquet."
    )


class Governance(Model):
    """What the areas for functions that municipalities run together are drawn from, beside official data."""

    functions: dict[Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")], Function] = Field(
        default_factory=dict,
        description="Functions of the city's own, or in place of the project's (functions.yml).",
    )
    cooperation: tuple[str, ...] = Field(
        (), description="Names of `geographies` whose municipalities work together already."
    )
    shared_services: str | None = Field(
        None,
        description="Table of services run together, relative to the YAML: `service`, `municipality`, and `lead` or "
        "`partner`.",
    )
    main: str = Field("strategic_planning", description="Function whose areas the report shows in full.")
    runs: int = Field(
        200, ge=0, le=10_000, description="Runs that show how sensitive these areas are; 0: none."
    )

    @model_validator(mode="after")
    def _known(self) -> Governance:
        known = load_functions(self.functions)
        if self.main not in known:
            raise ValueError(f"main: {unknown_name('The function', self.main, known)}")
        return self


class City(Model):
    """A pilot city and its study territory, as written in ``data/cities/<id>.yml``."""

    id: str = Field(description="Short name: the file's name, also the folder of the report.")
    name: Text = Field(description="Name of the city in both languages.")
    code: Code = Field(description="6-digit code of the municipality, vintage 2022.")
    province: str | None = Field(
        None,
        pattern=r"^[0-9]{3}$",
        description="Study territory: this province-level body. Default: the city's own.",
    )
    municipalities: tuple[Code, ...] = Field(
        (), description="Study territory as a list of municipalities instead; the city must be one of them."
    )
    territory_name: Text | None = Field(
        None, description="Name of the study territory; needed with a list of municipalities."
    )
    data: str | None = Field(
        None, description="Folder with tables of an own country, relative to the YAML; default: Italy's data."
    )
    compare_with: Literal["like", "region", "province", "capitals", "country"] | tuple[Code, ...] = Field(
        "like",
        description="Municipalities the city's profile is read against: those of the same inner-area class and size, "
        "of the same region or province, the provincial capitals, all of them, or a list of codes.",
    )
    pilot: bool = Field(True, description="Whether the city is one of the network of pilot cities.")
    areas: AreaParameters = Field(default_factory=AreaParameters, description="Parameters of the areas.")
    governance: Governance = Field(
        default_factory=Governance, description="Areas for the functions municipalities run together."
    )
    geographies: dict[Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")], Geography] = Field(
        default_factory=dict, description="Existing geographies to compare the areas with, by a short name."
    )
    comment: Text | None = Field(
        None, description="A remark of the city, printed on the first page of its report."
    )

    @model_validator(mode="after")
    def _territory(self) -> City:
        if not CITY_ID.match(self.id):
            raise ValueError("id must be made of small letters, digits and hyphens")
        if self.municipalities:
            if self.province:
                raise ValueError("give either province or municipalities, not both")
            if self.code not in self.municipalities:
                raise ValueError(f"municipalities must contain the city itself, {self.code}")
            if self.territory_name is None:
                raise ValueError("territory_name is needed with a list of municipalities")
        for name in self.governance.cooperation:
            if name not in self.geographies:
                raise ValueError(
                    f"governance: cooperation: {unknown_name('The geography', name, self.geographies)}"
                )
        if taken := sorted(set(self.geographies) & set(OFFICIAL_GEOGRAPHIES)):
            raise ValueError(f"geographies: {', '.join(taken)} is an official one, choose another name")
        return self


class Settings(Model):
    """What a run needs besides the city: folders and choices, none of them read from the environment."""

    edition: str = Field("draft", pattern=NAME, description="Name of the edition.")
    language: Language = Field("it", description="Language of the report.")
    raw: Path = Field(description="Folder of downloaded files.")
    cache: Path = Field(description="Folder of saved stage results.")
    mirror: Path | None = Field(
        None, description="Folder that holds the publishers' files, used before `raw`."
    )
    sources: Path = Field(description="The list of sources, sources.yml.")
    local: Path = Field(description="Folder of the cities' own files: one folder a city, named after its id.")
    release: str | None = Field(
        None,
        pattern=NAME,
        description="Name of the release whose goalposts the scores use. Default: goalposts of the current data.",
    )
    releases: Path = Field(description="Folder of the releases.")


class Job(Model):
    """One city to diagnose, as the batch hands it to the notebook."""

    city: City
    settings: Settings


def project_folder() -> Path:
    """Return the folder with `data` and `notebooks`: the checkout, or their copy in an installed package."""
    package = Path(__file__).resolve().parent
    installed = package / "_project"
    return installed if installed.is_dir() else package.parent


def default_settings(work: Path | str | None = None, **changes: Any) -> Settings:
    """Return settings with the project's own folders.

    Parameters
    ----------
    work : path, optional
        Folder in which ``data/raw``, ``data/cache`` and ``data/releases`` are kept; the project folder if not given.
    **changes
        Fields of :class:`Settings` to set otherwise.

    Returns
    -------
    Settings

    Raises
    ------
    diagnosis.errors.ConfigError
        A field is unknown or has a wrong value.
    """
    data = (Path(work) if work is not None else project_folder()) / "data"
    values = {
        "raw": data / "raw",
        "cache": data / "cache",
        "sources": project_folder() / "data" / "sources.yml",
        "local": project_folder() / "data" / "local",
        "releases": data / "releases",
        **{key: value for key, value in changes.items() if value is not None},
    }
    settings = build(Settings, values, "settings")
    if settings.mirror is not None and not settings.mirror.is_dir():
        raise ConfigError(
            "The mirror must be a folder with the publishers' files",
            f"{str(settings.mirror)!r} is not a folder",
            "Correct --mirror or DIAGNOSIS_MIRROR",
        )
    if changes.get("local") is not None and not settings.local.is_dir():
        raise ConfigError(
            "The folder of the cities' own files must be there if it is named",
            f"{str(settings.local)!r} is not a folder",
            "Correct --local or DIAGNOSIS_LOCAL",
        )
    return settings


def city_files(folder: Path | None = None) -> dict[str, Path]:
    """Return the YAML files of the pilot cities by id, in alphabetical order."""
    folder = folder or project_folder() / "data" / "cities"
    return {path.stem: path for path in sorted(folder.glob("*.yml"))}


def load_city(name: str | Path, folder: Path | None = None) -> City:
    """Load the configuration of a city.

    Parameters
    ----------
    name : str or Path
        Id of a pilot city (``"siracusa"``), ``"example"``, or the path of a YAML file.
    folder : Path, optional
        Folder of the YAML files; the project's ``data/cities`` if not given.

    Returns
    -------
    City

    Raises
    ------
    diagnosis.errors.UnknownNameError
        No pilot city has this name; the nearest one is named.
    diagnosis.errors.ConfigError
        The file breaks a rule.
    """
    example = project_folder() / "data" / "example" / "city.yml"
    if isinstance(name, Path) or name.endswith((".yml", ".yaml")):
        path = Path(name)
    elif name == "example":
        path = example
    else:
        files = city_files(folder)
        name = name if name in files else name.casefold()
        if name not in files:
            raise unknown_name("The city", name, [*files, "example"])
        path = files[name]
    values = read_yaml(path)
    values.setdefault("id", "example" if path == example else path.stem)
    if isinstance(data := values.get("data"), str) and data:
        values["data"] = _beside(path, data)
    governance = values.get("governance")
    if isinstance(governance, dict) and isinstance(file := governance.get("shared_services"), str):
        values["governance"] = {**governance, "shared_services": _beside(path, file)}
    if isinstance(geographies := values.get("geographies"), dict):
        for item in geographies.values():
            if isinstance(item, dict) and isinstance(file := item.get("file"), str):
                item["file"] = _beside(path, file)
    return build(City, values, path.name)


def _beside(path: Path, file: str) -> str:
    """Return the whole path of a file named relative to a YAML."""
    try:
        return str((path.parent / file).resolve())
    except ValueError:
        raise ConfigError(
            f"{path.name}: a path must be one of the system", f"{file!r} cannot be", "Correct the file"
        ) from None
