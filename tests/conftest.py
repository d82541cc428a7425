"""What several tests share: where the mirror of real data and the reference results are, if anywhere."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("project", deadline=None, max_examples=40, derandomize=True)
settings.load_profile("project")

PROJECT = Path(__file__).resolve().parents[1]


def _folder(variable: str, what: str) -> Path:
    value = os.environ.get(variable, "")
    if not value:
        pytest.skip(f"{variable} is not set: it names the folder of {what}")
    folder = Path(value)
    if not folder.is_dir():
        pytest.skip(f"{variable} names {value}, which is not a folder")
    return folder


@pytest.fixture(scope="session")
def project() -> Path:
    return PROJECT


@pytest.fixture(scope="session")
def mirror() -> Path:
    return _folder("DIAGNOSIS_MIRROR", "publishers' files (data mirror)")


@pytest.fixture(scope="session")
def oracles() -> Path:
    return _folder("DIAGNOSIS_ORACLES", "reference results")


@pytest.fixture(scope="session")
def example_settings(tmp_path_factory):
    """Settings whose downloads and saved results lie in a folder of the test run."""
    from diagnosis.config import default_settings

    return default_settings(work=tmp_path_factory.mktemp("work"))


@pytest.fixture(scope="session")
def example_study(example_settings):
    """The invented city after every stage; do not change it: all tests share it."""
    from diagnosis.result import STAGES
    from diagnosis.studies.city import Study

    study = Study("example", example_settings)
    for stage in STAGES:
        study.carry_out(stage)
    return study


@pytest.fixture(scope="session")
def example_result(example_study):
    """The diagnosis of the invented city; do not change it: all tests share it."""
    return example_study.result()
