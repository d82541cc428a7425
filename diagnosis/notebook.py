"""Execute the notebook of one city with papermill and take what it saved."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

from diagnosis.config import NOTEBOOK, City, Job, Settings, project_folder
from diagnosis.provenance import write_atomically
from diagnosis.result import Diagnosis


class NotebookError(RuntimeError):
    """A cell of the notebook failed; names the cell and the error."""


def execute_notebook(city: City, settings: Settings, output: Path, kept_on_failure: Path) -> Diagnosis:
    """Execute ``diagnosis.ipynb`` for one city and load what it saved.

    Parameters
    ----------
    city : City
        Configuration.
    settings : Settings
        Folders, mirror, edition and language.
    output : Path
        Where the executed notebook goes.
    kept_on_failure : Path
        Where a copy goes if a cell fails, to be looked at.

    Returns
    -------
    Diagnosis

    Raises
    ------
    NotebookError
        A cell failed.
    """
    import papermill
    from papermill.exceptions import PapermillExecutionError

    source = project_folder() / "notebooks" / NOTEBOOK
    with tempfile.TemporaryDirectory(prefix="diagnosis-") as name:
        folder = Path(name)
        job, saved = folder / "job.json", folder / "result"
        write_atomically(job, Job(city=city, settings=settings).model_dump_json())
        parameters = {
            "city": city.id,
            "edition": settings.edition,
            "language": settings.language,
            "job": str(job),
            "save_to": str(saved),
        }
        try:
            # papermill fills {names} in paths with parameters: braces of a folder stay what they are.
            paths = [str(path).replace("{", "{{").replace("}", "}}") for path in (source, output)]
            papermill.execute_notebook(*paths, parameters, progress_bar=False, **_kernel(folder))
        except PapermillExecutionError as error:
            write_atomically(kept_on_failure, output.read_bytes())
            raise NotebookError(
                f"notebook cell {error.exec_count}: {error.ename}: {error.evalue} (kept as {kept_on_failure.name})"
            ) from None
        return Diagnosis.load(saved)


def _kernel(folder: Path) -> dict[str, Any]:
    """Return how the kernel is started and reached: warm, and by a socket in a folder of our own, where possible."""
    from diagnosis.kernel import WarmKernelManager, can_fork

    if os.name == "nt" or not can_fork():
        return {}
    from traitlets.config import Config

    sockets = Config(KernelManager={"transport": "ipc", "ip": str(folder / "kernel")})
    return {"kernel_manager_class": WarmKernelManager, "config": sockets}
