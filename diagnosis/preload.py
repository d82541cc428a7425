"""The libraries every notebook of a batch needs: importing this module is what warms a kernel."""

import geopandas
import ipykernel.kernelapp
import IPython
import matplotlib.backends.backend_svg
import matplotlib.figure
import pyarrow.parquet
import scipy.sparse

import diagnosis.report.figures
import diagnosis.studies.city

__all__ = ["IPython", "diagnosis", "geopandas", "ipykernel", "matplotlib", "pyarrow", "scipy"]
