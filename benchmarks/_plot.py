"""A line through points, as SVG that follows the reader's colour scheme."""

from collections.abc import Mapping
from xml.sax.saxutils import escape

WIDTH, HEIGHT, MARGIN = 560, 320, 48


def line_plot(points: Mapping[int, float], *, x: str, y: str) -> str:
    """An SVG document with both axes from zero."""
    most_x, most_y = max(points), max(points.values()) * 1.1

    def at(across: float, up: float) -> tuple[float, float]:
        return (
            MARGIN + across / most_x * (WIDTH - 2 * MARGIN),
            HEIGHT - MARGIN - up / most_y * (HEIGHT - 2 * MARGIN),
        )

    placed = [at(across, up) for across, up in points.items()]
    line = " ".join(f"{left:.1f},{top:.1f}" for left, top in placed)
    dots = "".join(
        f'<circle cx="{left:.1f}" cy="{top:.1f}" r="4"/><text x="{left:.1f}" y="{top - 10:.1f}">{up:.1f}</text>'
        f'<text x="{left:.1f}" y="{HEIGHT - MARGIN + 18}">{across}</text>'
        for (left, top), (across, up) in zip(placed, points.items(), strict=True)
    )
    zero, right, top = at(0, 0), at(most_x, 0), at(0, most_y)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">'
        f"<title>{escape(y)} by {escape(x)}</title>"
        "<style>text{font:12px system-ui,sans-serif;text-anchor:middle;fill:#5c6573}"
        "polyline,path{fill:none;stroke:#5c6573}polyline{stroke:#1f5fbf;stroke-width:2}circle{fill:#1f5fbf}</style>"
        f'<path d="M{top[0]:.1f},{top[1]:.1f} L{zero[0]:.1f},{zero[1]:.1f} L{right[0]:.1f},{right[1]:.1f}"/>'
        f'<polyline points="{line}"/>{dots}'
        f'<text x="{WIDTH / 2}" y="{HEIGHT - 8}">{escape(x)}</text>'
        f'<text x="{MARGIN}" y="{MARGIN - 20}">{escape(y)}</text></svg>\n'
    )
