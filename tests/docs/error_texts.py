"""Every sentence of the sources that tells of a fault: found by where it stands, not by what it says.

A string literal of words (adjacent ones joined) is an error text when, with brackets counted,

  1. its statement begins with `throw`, or
  2. it stands in a list that begins with an exit code, `{ExitCode::kTimeout, "..."}`, or
  3. it is in the arguments of a call in `CALLS`, or
  4. it is printed to stderr behind the name of the program, or
  5. it stands in a function in `FUNCTIONS`, which makes one half of a sentence, or
  6. it is one of the `NEWS`.

`NO_ERRORS` takes out what only looks so. A sentence that comes about in another way is not found:
then its call or its function belongs into a table here.
"""

import re
from dataclasses import dataclass

from documents import ROOT

# The library's own faults are those of pinhole.h, not of the programs.
FOLDERS = ("peer", "rendezvous", "shared/net", "shared/node", "shared/crypto", "shared/reliable")

CALLS = {"warn", "fail", "failed", "failure", "complain", "leave_out", "say_once", "refuse", "refused",
         "not_an_address", "not_a_spec", "not_a_rule", "usage_error", "NotUnderstood", "No",
         "DialFailure"}

# Functions that make halves of sentences, by where they are; "*" stands for all that are there.
FUNCTIONS = (
    ("peer/", {"reason_of", "objection", "no_receiver", "open_status_socket"}),
    ("peer/files/entry_name", {"sentence_of"}),
    ("peer/files/file_receiver", {"*"}),
    ("peer/files/file_sender", {"*"}),
    ("peer/files/incoming_file.", {"*"}),
    ("peer/forward/desk", {"closed", "refused"}),
    ("peer/forward/dial", {"*"}),
    ("peer/forward/entrance", {"open"}),
    ("peer/forward/forward.", {"on_reverse_refused"}),
    ("peer/narrator", {"server_lost", "call_refused"}),
    ("peer/problems", {"server_key_changed"}),
    ("peer/stream_connection", {"*"}),
    ("peer/trust_verb", {"find_one"}),
    ("rendezvous/", {"open_socket", "tcp_refusal"}),
    ("shared/crypto/", {"describe"}),
    ("shared/net/key_file", {"*"}),
    ("shared/net/resolver", {"judge", "explain"}),
    ("shared/node/", {"name_of"}),
)

# News that tell of a fault.
NEWS = {
    "{}: the transfer was cut; what has come is kept, and sending again goes on there",
    "{}: registered at {} over TCP: UDP does not get out of this network",
    "waiting for the reader of standard output ({} bytes); Ctrl-C gives them up",
    "nobody is connected yet: what comes in waits",
    "lines longer than {} bytes are sent in pieces",
    "{}: files refused: {}",
    'event=store_failed why=\\"{}\\"',
}
# Where an error could stand, but none does.
NO_ERRORS = {", {:.1f} % had to be sent again", "(key not known yet)"}

TOKEN = re.compile(r"""
    (?P<space>\s+|//[^\n]*|/\*.*?\*/|\#[^\n]*)
  | R"\((?P<raw>.*?)\)"
  | "(?P<text>(?:[^"\\\n]|\\.)*)"
  | '(?:[^'\\\n]|\\.)+'
  | (?P<word>[A-Za-z_][\w:]*)
  | (?P<number>\d[\w']*)
  | (?P<mark>.)
""", re.VERBOSE | re.DOTALL)
# Stands for a literal that begins with the name of the program.
SAYS_WHO = "peer: "
CONTROL = {"if", "for", "while", "switch", "catch", "return"}


@dataclass(frozen=True)
class ErrorText:
    file: str
    line: int
    text: str
    ends_the_program: bool = False  # It comes with an exit code.

    @property
    def key(self):
        """What one sees first, and looks for: its first line, with X for what is filled in."""
        line = self.text.split("\\n")[0].replace('\\"', '"')
        line = line.partition(": ")[2] if says_who(line) else line
        return re.sub(r"\{[^{}]*\}", "X", line)

    @property
    def has_words(self):
        """Else its words are literals of their own."""
        return re.search(r"[a-z]{2,}[':,;]? ([a-z]|X|')", self.key) is not None


@dataclass
class Group:
    """What stands between two brackets."""
    opener: str
    callee: str
    function: str
    tokens: list
    statement: list


def says_who(text):
    return text.startswith(("peer: ", "rendezvous: "))


class Reader:
    """Walks over one file, and keeps in which brackets it is."""

    def __init__(self, file, source):
        self.file = file
        self.source = source
        self.found = []
        self.groups = [Group("", "", "", [], [])]
        self.closed_callee = ""  # Of the round brackets that ended last.

    def read(self):
        pending = None
        for match in TOKEN.finditer(self.source):
            if match["space"] is not None or match["raw"] is not None:
                continue
            if match["text"] is not None:
                if pending is None:
                    pending = [self.source.count("\n", 0, match.start()) + 1, ""]
                pending[1] += match["text"]
                continue
            if pending is not None:
                self.literal(*pending)
                pending = None
            self.token(match["word"] or match[0])
        return self.found

    def token(self, token):
        here = self.groups[-1]
        if token in ("(", "{", "["):
            callee = here.tokens[-1] if here.tokens else ""
            if token == "{" and self.begins_function(here):
                function = self.closed_callee.split("::")[-1]
            else:
                function = here.function
            here.tokens.append(token)
            self.groups.append(Group(token, callee, function, [], []))
        elif token in (")", "}", "]"):
            if len(self.groups) > 1:
                closed = self.groups.pop()
                if closed.opener == "(":
                    self.closed_callee = closed.callee
                here = self.groups[-1]
                here.tokens.append(token)
                if closed.opener == "{" and not closed.callee[:1].isalpha():
                    here.statement.clear()
        else:
            here.tokens.append(token)
            here.statement.append(token)
            if token == ";":
                here.statement.clear()

    def begins_function(self, here):
        if here.function or self.closed_callee in CONTROL or not self.closed_callee:
            return False
        before = [token for token in here.tokens[-4:]
                  if token not in ("const", "noexcept", "override")]
        return bool(before) and before[-1] == ")"

    def literal(self, line, text):
        found = ErrorText(self.file, line, text, self.has_exit_code())
        if found.has_words and (found.ends_the_program or self.is_error(text)):
            self.found.append(found)
        self.groups[-1].tokens.append(SAYS_WHO if says_who(text) else "string")
        self.groups[-1].statement.append("string")

    def has_exit_code(self):
        for group in self.groups:
            first, second = (group.tokens + ["", ""])[:2]
            has_code = first.startswith("ExitCode::k") and first != "ExitCode::kOk"
            if has_code and second == "," and group.callee != "ExitMeaning":
                return True
        return False

    def is_error(self, text):
        if text in NEWS or text in NO_ERRORS:
            return text in NEWS
        function = self.groups[-1].function
        if any(self.file.startswith(place) and not names.isdisjoint({"*", function})
               for place, names in FUNCTIONS):
            return True
        if any("throw" in group.statement for group in self.groups):
            return True
        for group in self.groups:
            if group.opener in ("(", "{") and group.callee.split("::")[-1] in CALLS:
                return True
            if group.tokens[:1] == ["stderr"] and (SAYS_WHO in group.tokens or says_who(text)):
                return True
        return False


def error_texts():
    out = []
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.[ch]pp")):
            file = str(path.relative_to(ROOT))
            out += Reader(file, path.read_text(encoding="utf-8")).read()
    return out


if __name__ == "__main__":
    for each in error_texts():
        print(f"{each.file}:{each.line}: {each.text}")
