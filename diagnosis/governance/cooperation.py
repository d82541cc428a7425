"""Who works together already by a city's own account: geographies it names, services run together."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from diagnosis.config import City


def read_cooperation(city: City, codes: pd.Index) -> dict[str, pd.Series]:
    """Read the co-operation a city's file names.

    Parameters
    ----------
    city : City
        Its ``governance.cooperation`` and ``governance.shared_services``.
    codes : pandas.Index
        Codes of the municipalities there are.

    Returns
    -------
    dict of str to pandas.Series
        By geography or service: group of each municipality, missing or absent for those in none; what
        :func:`diagnosis.governance.layers.build_layers` takes as `groups`.

    Raises
    ------
    diagnosis.errors.InputError
        A file is not what it should be.
    """
    from diagnosis.sources.geographies import read_areas
    from diagnosis.sources.shared_services import read_shared_services

    found = {
        name: read_areas(Path(city.geographies[name].file), codes) for name in city.governance.cooperation
    }
    if city.governance.shared_services is not None:
        services = read_shared_services(city.governance.shared_services, codes)
        found |= {
            str(service): rows.set_index("code")["group"]
            for service, rows in services.groupby("service", sort=True)
        }
    return found
