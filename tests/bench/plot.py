"""Pictures of the results, as SVG: bars in groups, drawn with nothing but this language's library."""

from xml.sax.saxutils import escape

COLOURS = ["#1b6ca8", "#e08e45", "#7a9e7e", "#b5b5b5", "#8e6c8a"]
BAR = 16
GAP = 18
HEIGHT = 220
TOP = 56
LEFT = 56
BOTTOM = 46


def bars(title, unit, groups, names):
    """`groups` is {label: {name: value or None}}; every group has a bar for each of `names`."""
    most = max((value for group in groups.values() for value in group.values() if value), default=1)
    step = step_for(most)
    ceiling = step * -(-most // step)
    width_of_group = BAR * len(names) + GAP
    width = max(LEFT + width_of_group * len(groups) + 20, 140 * len(names) + LEFT)
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{TOP + HEIGHT + BOTTOM}" '
        f'font-family="sans-serif" font-size="11">',
        f'<rect width="100%" height="100%" fill="white"/>',
        label(LEFT, 18, f"{title}, {unit}", size=14),
    ]
    for at, name in enumerate(names):
        out.append(box(LEFT + 140 * at, 28, 10, 10, at, name))
        out.append(label(LEFT + 140 * at + 14, 37, name))
    value = 0
    while value <= ceiling:
        y = TOP + HEIGHT * (1 - value / ceiling)
        out.append(f'<path d="M{LEFT} {y:.1f}H{width - 10}" stroke="#ddd"/>')
        out.append(label(LEFT - 6, y + 4, f"{value:g}", anchor="end"))
        value += step
    for place, (name_of_group, group) in enumerate(groups.items()):
        x = LEFT + GAP / 2 + width_of_group * place
        for at, name in enumerate(names):
            tall = HEIGHT * (group.get(name) or 0) / ceiling
            what = f"{name_of_group}, {name}: {group.get(name) or 0:.1f} {unit}"
            out.append(box(x + BAR * at, TOP + HEIGHT - tall, BAR - 2, tall, at, what))
        for line, part in enumerate(name_of_group.split(", ")):
            out.append(label(x + BAR * len(names) / 2, TOP + HEIGHT + 15 + 13 * line, part,
                             anchor="middle"))
    return "\n".join([*out, "</svg>", ""])


def step_for(most):
    """The distance of about five lines: 1, 2 or 5 times a power of ten."""
    step = 1e-6
    for factor in (2, 2.5, 2) * 12:
        if most / step <= 6:
            break
        step *= factor
    return step


def box(x, y, width, height, colour, text):
    return (f'<rect x="{x:.1f}" y="{y:.1f}" width="{width}" height="{height:.1f}" '
            f'fill="{COLOURS[colour % len(COLOURS)]}"><title>{escape(text)}</title></rect>')


def label(x, y, text, size=11, anchor="start"):
    return (f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}">'
            f"{escape(text)}</text>")


def by_cell(rows, figure, scale=1.0):
    groups = {}
    for row in rows:
        value = row[figure]
        cell = f"{row['rtt_ms']} ms, {row['loss']:g} %"
        groups.setdefault(cell, {})[row["name"]] = None if value is None else value * scale
    return groups


def pictures(results):
    """{name of the file: SVG} of whatever there are results of."""
    out = {}

    def add(file, title, unit, groups):
        names = list(dict.fromkeys(name for group in groups.values() for name in group))
        out[file] = bars(title, unit, groups, names)

    if results.get("links"):
        add("links.svg", "Goodput by round-trip time and loss", "Mbit/s",
            by_cell(results["links"], "mbit_per_s"))
        add("queue.svg", "Median queue at the bottleneck", "ms",
            by_cell(results["links"], "queue_p50_ms"))
    if results.get("beside_bulk"):
        add("beside_bulk.svg", "A small request beside bulk, p99", "ms",
            by_cell(results["beside_bulk"], "p99_us", 1 / 1000))
    if results.get("fairness"):
        groups = {}
        for row in results["fairness"]:
            cell = f"{row['rtt_ms']} ms, {row['queue_bdp']:g} BDP"
            groups.setdefault(cell, {})[row["name"]] = row["share"] * 100
        add("fairness.svg", "Share of a link: ours, or the larger of two of ours", "%", groups)
    if results.get("loopback"):
        groups = {}
        for row in results["loopback"]:
            groups.setdefault(row["what"], {})[row["name"]] = row["ratio"]
        add("loopback.svg", "On one machine, as a ratio to stock ENet", "times", groups)
    return out
