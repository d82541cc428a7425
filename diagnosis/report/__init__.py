"""From a diagnosis to what people read: one HTML file, one PDF, one data package, an index of cities."""

from diagnosis.report.compose import compose
from diagnosis.report.figures import FIGURES, draw
from diagnosis.report.index import write_index
from diagnosis.report.sections.method import missing_reason
from diagnosis.report.write import FORMATS, outputs_of, write_report

__all__ = [
    "FIGURES",
    "FORMATS",
    "compose",
    "draw",
    "missing_reason",
    "outputs_of",
    "write_index",
    "write_report",
]
