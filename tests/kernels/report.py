"""What a run of script/kernels says: a table for people, and the generated part of docs/kernels.md."""

import checks
import ss_text

TABLES = ("tcp", "udp", "udplite", "icmp", "raw", "sctp", "dccp", "mptcp", "smc", "unix", "packet", "netlink", "vsock", "xdp", "tipc")
MARK = "<!-- From here on written by script/kernels --accept. -->\n"


def aligned(rows):
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows)


def counts(result):
    return [str(len(outcome.snapshot["sockets"])) for outcome in result.outcomes]


def modules_brought(result):
    return sorted(result.outcomes[1].after - result.outcomes[1].before)


def summary(results):
    rows = [("KERNEL", "RELEASE", "EXPECTED", "NO DIAG", "ALLOWED", "LOADED", "MODULES", "SECONDS", "RESULT")]
    for result in results:
        whole = len(result.outcomes) == len(checks.OUTCOMES)
        rows.append((result.kernel.name, result.unpacked.release if result.unpacked else "-", str(len(result.expectations)),
                     *(counts(result) if whole else "---"), f"+{len(modules_brought(result))}" if whole else "-",
                     f"{result.guest.seconds:.0f}" + (" (second boot)" if result.guest.tries > 1 else "") if result.guest else "-",
                     f"{len(result.complaints)} complaints" if result.complaints else "passed"))
    return aligned(rows)


def in_own_namespace(outcome, result, table):
    own = result.expectations[0]["netns"]
    return [row for row in outcome.snapshot["sockets"] if row["netns"].get("inode") == own and ss_text.table_of(row) == table]


def by_whom(rows):
    """`12, netlink and procfs`: how many rows, and which views they are from."""
    if not rows:
        return "0"
    views = {source["view"] for row in rows for source in row["sources"]}
    kinds = [name for name, has in (("netlink", any(view.endswith("_diag") for view in views)),
                                    ("/proc/net", any(view.startswith("proc_net") for view in views)),
                                    ("fds only", "sockprotoname" in views)) if has]
    return f"{len(rows)}: {', '.join(kinds)}"


def differences(result, table, rows):
    """Between the last capture and what ss printed."""
    if table not in result.ss:
        return "ss 6.1 has no such table"
    theirs = {row.inode: row for row in ss_text.rows(table, result.ss[table]) if row.inode}
    hidden = [row for row in rows if not ss_text.is_shown(row) and row["family"] != "netlink"]
    unnamed = [row for row in rows if row["owners"] and row.get("inode") in theirs and not theirs[row["inode"]].owners]
    found = []
    if hidden:
        found.append(f"ss has not {len(hidden)}")
    if unnamed:
        found.append(f"ss names no owner of {len(unnamed)}")
    return "; ".join(found)


def table_of_kernel(result):
    lines = ["| table | scene | no diag module | diag modules loaded | ss 6.1 | ss differs |", "|---|---|---|---|---|---|"]
    default, _, loaded = result.outcomes
    own = result.expectations[0]["netns"]
    for table in TABLES:
        expected = [one for one in result.expectations if one["netns"] == own and ss_text.table_of(one) == table]
        if not expected:
            continue
        rows = in_own_namespace(loaded, result, table)
        theirs = str(len(ss_text.rows(table, result.ss[table]))) if table in result.ss else "-"
        lines.append(f"| {table} | {len(expected)} | {by_whom(in_own_namespace(default, result, table))} | {by_whom(rows)} | {theirs} "
                     f"| {differences(result, table, rows)} |")
    return lines


def document(results):
    """The generated part. Figures are of the guest's first namespace; two more have a listener each."""
    lines = []
    for result in results:
        missing = ", ".join(result.not_offered) or "nothing"
        lines += [f"\n## {result.unpacked.release}\n",
                  f"{result.kernel.suite}, {result.kernel.architecture.name}: `{result.unpacked.package}`. Of the scene's families it lacks {missing}. "
                  f"A default capture loaded no module, with none there that answers and with all of them; `--allow-module-load` brought "
                  f"{len(modules_brought(result))}: {', '.join(modules_brought(result))}. ss loaded none beyond these.\n",
                  *table_of_kernel(result)]
    return "\n".join(lines) + "\n"


def write_document(path, results):
    text = path.read_text(encoding="utf-8")
    path.write_text(text[:text.index(MARK) + len(MARK)] + document(results), encoding="utf-8")
