"""The documents, and how to read them. Shared by the tests of this folder."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
PEER_MAN = ROOT / "peer/peer.1"
SERVER_MAN = ROOT / "rendezvous/rendezvous.8"
TROUBLES = ROOT / "peer/TROUBLESHOOTING.md"
MARKDOWN = [README, TROUBLES, ROOT / "shared/wire/PROTOCOL.md", ROOT / "shared/crypto/SECURITY.md"]
COMMANDS = Path(__file__).with_name("readme_commands.txt")


def read(path):
    return (ROOT / path).read_text(encoding="utf-8")


def fences(path):
    """All fenced blocks of a page: (language, text)."""
    return re.findall(r"^```(\w*)\n(.*?)^```$", read(path), re.MULTILINE | re.DOTALL)


def shell_commands(path):
    """The commands of `sh` blocks, and those behind a prompt in `console` blocks."""
    out = []
    for language, text in fences(path):
        for line in text.splitlines():
            if language == "console":
                prompt = re.match(r"\w*\$ (.*)", line)
                line = prompt.group(1) if prompt else ""
            elif language != "sh":
                continue
            line = re.sub(r"\s+# .*", "", line).strip()
            if line:
                out.append(line)
    return out


def command_map():
    out = {}
    for line in COMMANDS.read_text(encoding="utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            command, how = line.split(" => ")
            out[command.strip()] = how.strip()
    return out


def section(page, title):
    """The text below a `## title`."""
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", read(page),
                      re.MULTILINE | re.DOTALL)
    assert found, f"{page} has no section '{title}'"
    return found.group(1)


def table_rows(text):
    """Rows of the Markdown tables in `text`, as lists of cells; headings are left out."""
    rows = []
    lines = [line for line in text.splitlines() if line.startswith("|")]
    for number, line in enumerate(lines):
        cells = [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        is_rule = all(re.fullmatch(r"-+", cell) for cell in cells)
        is_heading = number + 1 < len(lines) and re.fullmatch(r"[|-]+", lines[number + 1])
        if not is_rule and not is_heading:
            rows.append(cells)
    return rows


def string_literals(folder):
    """All string literals of the C++ in a folder, adjacent ones joined."""
    out = ""
    for path in sorted((ROOT / folder).glob("*.cpp")):
        text = re.sub(r'"\s*\n\s*"', "", path.read_text(encoding="utf-8"))
        out += "\n".join(re.findall(r'"((?:[^"\\\n]|\\.)*)"', text)) + "\n"
    return out.replace("\\n", "\n")


def anchors(path):
    out = set()
    for title in re.findall(r"^#+ (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE):
        kept = re.sub(r"[^\w\- ]", "", title.lower())
        out.add(kept.replace(" ", "-"))
    return out


def man_text(path):
    """A man page with its dashes as a reader types them."""
    return path.read_text(encoding="utf-8").replace("\\-", "-")
