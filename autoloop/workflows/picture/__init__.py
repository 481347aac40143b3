"""Pictures of graphs, drawn as SVG on the server: they need no script and can be printed."""

from autoloop.workflows.picture.drawing import draw, draw_small
from autoloop.workflows.picture.layout import Layout, lay_out

__all__ = ["Layout", "draw", "draw_small", "lay_out"]
