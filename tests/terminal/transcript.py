"""What was on the screens, as text that is the same in every run, and its comparison with the golden
files in golden/.

Only what differs from run to run, or from machine to machine, is replaced, by the rules below. All
else is compared byte by byte.
"""

import difflib
import re
from pathlib import Path

GOLDEN = Path(__file__).with_name("golden")

# In this order, after `number_keys` and `settle_paths`.
RULES = [
    # Round-trip times, which a relayed path does not have at once, and how many messages had to be
    # sent again.
    (r"\b\d+(?:\.\d+)? ms\b", "N ms"),
    (r"\brelay \(N ms\)", "relay"),
    (r", \d+(?:\.\d+)? % had to be sent again", ""),
    # Ports that the system or a NAT chose; those of the rendezvous are fixed, and lower.
    (r"(?<=[\d\]]):(?:[1-9]\d{4})\b", ":PORT"),
    # Days and times of day.
    (r"20\d\d-\d\d-\d\dT[\d:.]+Z", "TIME"),
    (r"\b20\d\d-\d\d-\d\d\b", "YYYY-MM-DD"),
    (r"\b[012]\d:[0-5]\d(?::[0-5]\d)?(?= )", "HH:MM"),
    # Whether the last line is confirmed already: the mark between the name and the > of a prompt.
    (r"^(alice|bob|carol) (?:\d+…|✓)>", r"\1>"),
]


def number_keys(text):
    """Keys by the order in which they first come: pk:KEY-1, pk:KEY-2, rv:KEY-1."""
    known = {"pk": [], "rv": []}

    def name_of(match):
        kind, key = match.groups()
        if key not in known[kind]:
            known[kind].append(key)
        return f"{kind}:KEY-{known[kind].index(key) + 1}"

    return re.sub(r"\b(pk|rv):([a-z2-7]{52})\b", name_of, text)


PATH_LINE = re.compile(r"(?P<who>\w+ (?:->|<-) \w+): (?P<before>rendezvous ok [^|]* \| )?"
                       r"(?P<path>direct|relay)(?P<words>.*?)(?P<after>; new peer .*)?")


def settle_paths(text):
    """How a path is found takes more or fewer lines, as the machine is idle or busy: the first line
    gets the words of the last one, and the others go. A connection ends where somebody leaves."""
    lines, first_of = [], {}
    for line in text.splitlines():
        found = PATH_LINE.fullmatch(line)
        if found is None:
            if re.search(r" left$|^== |^\w+\$", line):
                first_of.clear()
            lines.append(line)
            continue
        who, words = found["who"], found["path"] + found["words"]
        if who not in first_of:
            first_of[who] = (len(lines), found["before"] or "", found["after"] or "")
            lines.append(None)
        place, before, after = first_of[who]
        lines[place] = f"{who}: {before}{words}{after}"
    return "\n".join(lines) + "\n"


def normalised(text):
    text = settle_paths(number_keys(text))
    for pattern, instead in RULES:
        text = re.sub(pattern, instead, text, flags=re.MULTILINE)
    return text


class Transcript:
    """Screens one below the other, each under a heading."""

    def __init__(self):
        self.parts = []

    def add(self, heading, text):
        self.parts.append(f"== {heading}\n{text}\n")

    def text(self):
        return normalised("\n".join(self.parts))


def sections(text):
    """The parts of a transcript by their headings."""
    found = re.split(r"^== (.*)\n", text, flags=re.MULTILINE)[1:]
    return {heading: body.strip("\n") + "\n" for heading, body in zip(found[::2], found[1::2])}


def difference(name, text, update):
    """How `text` differs from the golden file, as a diff; nothing if it does not, or after an
    update."""
    path = GOLDEN / f"{name}.txt"
    if update:
        path.write_text(text, encoding="utf-8")
        return ""
    golden = path.read_text(encoding="utf-8") if path.exists() else ""
    return "".join(difflib.unified_diff(golden.splitlines(True), text.splitlines(True),
                                        f"golden/{name}.txt", "this run"))
