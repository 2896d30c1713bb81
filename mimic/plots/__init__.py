"""Figures of the course: one style, one palette by meaning, charts that say their finding, and the funnel.

    from mimic import plots

    plots.show(plots.funnel(feed), title="One request", alt="Funnel: of 16,100 tweets 20 are shown, …")

Colours by meaning are in `mimic.palette`. A chart that stands in one chapter only begins with
`drawn, axes = plots.figure(height=300)` and ends with `plots.show(drawn, title=…, alt=…)` too.
"""

from mimic.plots.charts import beside_published, by_hour, ccdf, decay, intervals, lorenz
from mimic.plots.emblem import funnel, strip_figure
from mimic.plots.flow import STAGES
from mimic.plots.reliability import reliability, reliability_table
from mimic.plots.style import WIDTH, draw_truth, figure, picture, show, use_style
from mimic.plots.waterfall import add_up, waterfall

__all__ = [
    "STAGES",
    "WIDTH",
    "add_up",
    "beside_published",
    "by_hour",
    "ccdf",
    "decay",
    "draw_truth",
    "figure",
    "funnel",
    "intervals",
    "lorenz",
    "picture",
    "reliability",
    "reliability_table",
    "show",
    "strip_figure",
    "use_style",
    "waterfall",
]
