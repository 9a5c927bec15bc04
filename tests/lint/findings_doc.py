"""The rules of `ssnap analyze --findings` and docs/findings.md agree: the same ids in the same order, each with its severity.

    findings_doc.py SSNAP DOCS/findings.md
"""

import re
import subprocess
import sys


def rules_of_table(ssnap):
    lines = subprocess.run([ssnap, "analyze", "--list-rules"], capture_output=True, check=True, text=True).stdout.splitlines()
    return [tuple(line.split()[:2]) for line in lines]


def rules_of_doc(text):
    """(id, severity) of each section that begins with a severity."""
    return re.findall(r"^## ([a-z-]+)\n\*(\w+)\.\* ", text, re.M)


def missing_parts(text):
    """Sections of rules without what each must say."""
    sections = re.split(r"^## ", text, flags=re.M)[1:]
    return [f"{section.split()[0]} lacks '{part}'" for section in sections if re.match(r"[a-z-]+\n\*", section)
            for part in ("Decided by: ", "Innocent: ", "By hand: ") if f"\n{part}" not in section]


def main():
    ssnap, path = sys.argv[1:]
    with open(path, encoding="utf-8") as file:
        text = file.read()
    table, doc = rules_of_table(ssnap), rules_of_doc(text)
    wrong = missing_parts(text)
    if table != doc:
        wrong.append(f"the table has {table}, the document {doc}")
    if not table:
        wrong.append("there are no rules")
    print("\n".join(wrong))
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
