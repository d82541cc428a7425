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
