"""How figures are drawn: canvas, SVG, parts of maps and the larger figures.

Reports and notebooks use :mod:`diagnosis.maps` and :mod:`diagnosis.charts`.
"""
