"""A line chart with logarithmic axes, as SVG."""

from __future__ import annotations

import math
from collections.abc import Sequence
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 720, 420
LEFT, RIGHT, TOP, BOTTOM = 70, 190, 40, 60
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7")
"""Of Okabe and Ito: told apart by everyone."""

Line = tuple[str, Sequence[tuple[float, float]]]


def draw(title: str, x_label: str, y_label: str, lines: Sequence[Line]) -> str:
    """Draw `lines`, each a name and its points; points have to be above 0."""
    points = [point for _, line in lines for point in line]
    if not points:
        raise ValueError("there is nothing to draw")
    across = _Axis([x for x, _ in points], LEFT, WIDTH - RIGHT)
    up = _Axis([y for _, y in points], HEIGHT - BOTTOM, TOP, decades=True)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        _text(WIDTH / 2, 22, title, anchor="middle", size=15),
        _text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 14, x_label, anchor="middle"),
        f'<g transform="rotate(-90)">{_text(-(TOP + HEIGHT - BOTTOM) / 2, 18, y_label, anchor="middle")}</g>',
    ]
    for value in up.ticks():
        y = up.place(value)
        parts.append(f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="#ddd"/>')
        parts.append(_text(LEFT - 8, y + 4, f"{value:g}", anchor="end"))
    for value in sorted({x for x, _ in points}):
        x = across.place(value)
        parts.append(f'<path d="M{x:.1f} {TOP}V{HEIGHT - BOTTOM}" stroke="#eee"/>')
        parts.append(_text(x, HEIGHT - BOTTOM + 18, f"{value:,.0f}", anchor="middle"))
    labels = _spread([up.place(line[-1][1]) for _, line in lines if line])
    for (name, line), colour, label in zip([line for line in lines if line[1]], COLOURS * len(lines), labels):
        placed = [(across.place(x), up.place(y)) for x, y in line]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in placed)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts.extend(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>' for x, y in placed)
        parts.append(_text(WIDTH - RIGHT + 10, label + 4, name, colour=colour))
    return "\n".join([*parts, "</svg>\n"])


class _Axis:
    """Values to places, logarithmically."""

    def __init__(self, values: Sequence[float], start: float, end: float, *, decades: bool = False) -> None:
        low, high = math.log10(min(values)), math.log10(max(values))
        if decades:
            low, high = math.floor(low), math.ceil(high)
        if high == low:
            low, high = low - 0.5, high + 0.5
        self.low, self.high, self.start, self.end = low, high, start, end

    def place(self, value: float) -> float:
        share = (math.log10(value) - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)

    def ticks(self) -> list[float]:
        decades = range(math.floor(self.low), math.ceil(self.high) + 1)
        values = [factor * 10.0**decade for decade in decades for factor in (1, 2, 5)]
        return [value for value in values if self.low - 1e-9 <= math.log10(value) <= self.high + 1e-9]


def _spread(places: Sequence[float], gap: float = 16) -> list[float]:
    """`places`, moved down where they are too close to read."""
    result = list(places)
    last = -math.inf
    for index in sorted(range(len(result)), key=lambda index: result[index]):
        result[index] = last = max(result[index], last + gap)
    return result


def _text(x: float, y: float, text: str, *, anchor: str = "start", size: int = 12, colour: str = "#222") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" fill="{colour}">{escape(text)}</text>'
    )
