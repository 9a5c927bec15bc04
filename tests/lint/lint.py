"""The rules of the source tree that a compiler can't check. `lint.py ROOT` prints what breaks them, as FILE:LINE: WHAT,
and exits 1; lint_test.py shows that each rule can fail.
"""

import pathlib
import re
import sys

# Which layers a layer may include, beside itself and base.
MAY_INCLUDE = {
    "base": set(),
    "archive": set(),
    "decode": set(),
    "model": set(),
    "sandbox": set(),
    "capture": {"archive", "decode"},
    "extract": {"archive", "decode", "sandbox"},
    "reconstruct": {"decode", "model"},
    "analyze": {"model"},
    "render": {"model", "analyze"},
    "pipeline": {"archive", "decode", "reconstruct", "model"},
    "cli": None,  # all
}
LINUX_LAYERS = {"capture", "sandbox"}  # the only ones that talk to a Linux system

# Headers that other systems don't have: the replay side is to be compiled there too.
LINUX_HEADERS = re.compile(
    r"(linux|asm|asm-generic|rdma|mtd|sound|drm|xen|bits|gnu)/.*"
    r"|sys/(auxv|capability|epoll|eventfd|fanotify|fsuid|inotify|io|kd|klog|mount|personality|pidfd|prctl|procfs|ptrace"
    r"|quota|raw|reg|sendfile|signalfd|statfs|swap|syscall|sysinfo|sysmacros|timerfd|ucontext|user|vfs|vt|xattr)\.h"
    r"|(sched|mntent|link|elf|endian|byteswap|features|malloc|syscall|libnetlink|crypt|shadow|values|error|argp|obstack)\.h"
    r"|netpacket/.*|neta.*/.*|netrom/.*|scsi/.*|net/if_(packet|ppp|shaper|slip)\.h|netinet/(ether|if_fddi|if_tr)\.h")

# What a decoder may not use, by token. Each reads past or short of its field, or reinterprets hostile bytes.
DECODE_TOKENS = [
    (re.compile(r"\breinterpret_cast\b"), "reinterpret_cast of input: read through base::ByteReader"),
    (re.compile(r"\b(v?s|v?f|v)?scanf\b"), "scanf stops where it likes: read through base::TextCursor"),
    (re.compile(r"\b(strto(l|ul|ll|ull|q|uq|d|f|ld|imax|umax)|ato(i|l|ll|f)|sto(i|l|ul|ll|ull|f|d|ld))\b"),
     "it accepts signs, blanks and rubbish after the number: read through base::TextCursor"),
    (re.compile(r"\b(std|boost)::(basic_)?(regex|wregex)|\bregcomp\b"), "a regex on hostile input has no bound"),
    (re.compile(r"__attribute__\s*\(\(\s*packed|\[\[gnu::packed\]\]|#\s*pragma\s+pack"),
     "a packed struct is a cast of input: read field by field"),
]
# A decoder is a pure function of its bytes.
DECODE_HEADERS = re.compile(
    r"fstream|filesystem|iostream|regex|chrono|cerrno|errno\.h|ctime|time\.h|cstdlib|stdlib\.h|cstdio|stdio\.h"
    r"|unistd\.h|fcntl\.h|dirent\.h|sys/.*|netinet/.*|arpa/.*|net/.*|poll\.h|netdb\.h|boost/regex.*")

# Whoever makes an archive chooses the keys, and knows how std::hash scatters them.
UNSEEDED = re.compile(r"\bstd::unordered_(multi)?(map|set)\b")
MAY_HASH = {"base", "capture", "cli"}

# In docs/assurance.md: `tests/PATH` and `tests/PATH: NAME OF A CASE`, and other paths of the tree.
CITATION = re.compile(r"`((?:src|tests|script|docs|fixtures)/[\w./-]+)(?:: ([^`]+))?`")

PRINTS = re.compile(r"\bstd::(cout|cerr|clog)\b|(?<![\w.>])(?:std::)?(printf|fprintf|puts|fputs|putchar|perror|syslog)\s*\(")
MAY_PRINT = {"cli"}

# docs/adr/0021
FSTAT = re.compile(r"\b(fstat|fdopendir)\s*\(")
MAY_FSTAT = {"base": {"fstat"}, "archive": {"fdopendir"}, "extract": {"fdopendir"}}

MAX_LINES = 600
LONG_BECAUSE = re.compile(r"(//|#)\s*Over 600 lines:\s*\S.{9,}")

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include(?:_next)?[ \t]*(["<])([^">]*)[">]', re.M)
# Comments, raw strings, strings, character literals. Digit separators (1'000) are no literals.
NOT_CODE = re.compile(
    r'//(?:\\\n|[^\n])*|/\*.*?\*/|R"([^()\\\s]{0,16})\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|(?<![0-9A-Fa-f])\'(?:\\.|[^\'\\\n])*\'',
    re.S)


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


def blank(match):
    """What isn't code becomes blanks of the same lines, so that offsets stay."""
    return re.sub(r"[^\n]", " ", match[0])


def without_comments(text):
    """Comments only: the names in #include "..." stay."""
    return NOT_CODE.sub(lambda match: blank(match) if match[0].startswith(("//", "/*")) else match[0], text)


def check_source(layer, text, layers, is_own_header):
    """Findings of one file of src/LAYER, as (line, message). `layer` is None for src/main.cc."""
    for match in INCLUDE.finditer(without_comments(text)):
        line, quoted, header = line_of(text, match.start(2)), match[1] == '"', match[2]
        parts = header.split("/")
        if ".." in parts or header.startswith("/"):
            yield line, f'"{header}": include by the path from src/'
        elif parts[0] in layers and len(parts) > 1 and is_own_header(header):
            allowed = MAY_INCLUDE.get(layer, set())
            if layer is not None and allowed is not None and parts[0] not in allowed | {layer, "base"}:
                yield line, f"{layer} may not include {parts[0]} ({header})"
        elif quoted and len(parts) > 1:
            yield line, f'"{header}": there is no such file in src/'
        if layer not in LINUX_LAYERS and LINUX_HEADERS.fullmatch(header):
            yield line, f"<{header}> is Linux's own: only {' and '.join(sorted(LINUX_LAYERS))} may include it"
        if layer == "decode" and DECODE_HEADERS.fullmatch(header):
            yield line, f"<{header}>: a decoder touches no file, clock, errno or environment"

    code = NOT_CODE.sub(blank, text)
    if layer == "decode":
        for token, why in DECODE_TOKENS:
            for match in token.finditer(code):
                yield line_of(code, match.start()), f"{match[0].strip()}: {why}"
    if layer is not None and layer not in MAY_HASH:
        for match in UNSEEDED.finditer(code):
            yield line_of(code, match.start()), f"{match[0]}: keys of the input want base::HashMap or base::HashSet"
    if layer is not None and layer not in MAY_PRINT:
        for match in PRINTS.finditer(code):
            yield line_of(code, match.start()), f"{match[0].rstrip('( ')}: only the command line prints"
    for match in FSTAT.finditer(code):
        if match[1] not in MAY_FSTAT.get(layer, set()):
            yield line_of(code, match.start()), f"{match[1]} fails before Linux 2.6.39: base::file_status, capture::list_directory"


def check_citations(root, text):
    """Files and cases that docs/assurance.md names and the tree doesn't have, as (line, message)."""
    for match in CITATION.finditer(text):
        path, case = root / match[1], match[2]
        line = line_of(text, match.start())
        if not path.exists():
            yield line, f"{match[1]}: there is no such file"
        elif case is not None:
            form = rf"def {re.escape(case)}\(" if path.suffix == ".py" else rf'TEST_CASE\(\s*"{re.escape(case)}"'
            if not re.search(form, path.read_text(encoding="utf-8")):
                yield line, f"{match[1]} has no case {case!r}"


def check(root):
    """Every finding in the tree at `root`, as (path, line, message)."""
    root = pathlib.Path(root)
    src = root / "src"
    layers = set(MAY_INCLUDE)
    sources = sorted(path for path in src.rglob("*") if path.suffix in {".h", ".cc"})
    if not sources:
        yield src, 0, "there is no source to check"
    for path in sources:
        inside = path.relative_to(src)
        layer = inside.parts[0] if len(inside.parts) > 1 else None
        if layer is not None and layer not in layers:
            yield path, 0, f"{layer} is no layer: add it to the table in tests/lint/lint.py"
            continue
        text = path.read_text(encoding="utf-8")
        for line, message in check_source(layer, text, layers, lambda header: (src / header).is_file()):
            yield path, line, message

    assurance = root / "docs" / "assurance.md"
    if assurance.is_file():
        for line, message in check_citations(root, assurance.read_text(encoding="utf-8")):
            yield assurance, line, message

    for folder in ("src", "tests", "script", "bench"):
        for path in sorted((root / folder).rglob("*")):
            if path.suffix not in {".h", ".cc", ".py", ".sh", ".build"} or not path.is_file():
                continue
            text = path.read_text(encoding="utf-8")
            lines = text.count("\n")
            if lines > MAX_LINES and not LONG_BECAUSE.search(text):
                yield path, lines, f"over {MAX_LINES} lines: split it, or say why in a comment `Over 600 lines: ...`"


def main():
    root = pathlib.Path(sys.argv[1])
    findings = list(check(root))
    for path, line, message in findings:
        print(f"{path.relative_to(root)}:{line}: {message}")
    print(f"{len(findings)} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
