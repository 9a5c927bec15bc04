"""What the three captures of a guest must say: by the list that the scene wrote, by ss in the same guest, and about modules.
Each check returns complaints; a guest that none is about has passed."""

import collections
import dataclasses
import difflib
import json
import subprocess

import initramfs
import matrix
import ss_text

# In order of capture. Nothing answers sock_diag in the first; in the second ssnap may have it loaded; in the third it is there.
OUTCOMES = ("default", "allowed", "loaded")

CROSS_VIEW_RULES = ("hidden-process,mount-over-process,unlisted-parent,process-count,thread-count,listing-structure,table-structure,table-difference,"
                    "socket-count,unlisted-socket")


@dataclasses.dataclass
class Outcome:
    """One capture of a guest."""

    name: str
    snapshot: dict  # ssnap's JSON of it
    before: set  # loaded modules
    after: set

    @property
    def has_netlink(self):
        return self.name != "default"


def modules_of(text):
    return {line.split()[0] for line in text.decode().splitlines()}


def diag_modules(modules):
    """Those of a kernel that answer sock_diag."""
    return set(matrix.DIAG_MODULES) & set(initramfs.modules_in(modules))


def check_rest(before, after):
    """The scene must hold still between the captures: what ss says before and after the last one."""
    complaints = []
    for table in before:
        rows = [collections.Counter(ss_text.rows(table, text)) for text in (before[table], after[table])]
        if rows[0] != rows[1]:
            complaints.append(f"the scene moved: ss {table}: {list((rows[0] - rows[1]).elements())} became {list((rows[1] - rows[0]).elements())}")
    return complaints


def check_modules(outcomes, ss_before, ss_after, offered_diag):
    """`offered_diag`: the modules of this kernel that answer sock_diag."""
    complaints = []
    for outcome in outcomes:
        came, went = outcome.after - outcome.before, outcome.before - outcome.after
        if went:
            complaints.append(f"{outcome.name}: modules are gone: {' '.join(sorted(went))}")
        if outcome.name != "allowed" and came:
            complaints.append(f"{outcome.name}: modules were loaded: {' '.join(sorted(came))}")
    default, allowed = outcomes[0], outcomes[1]
    if default.before & offered_diag:
        complaints.append(f"there was a diag module before anything was asked: {' '.join(sorted(default.before & offered_diag))}")
    if offered_diag - allowed.after:
        complaints.append(f"--allow-module-load did not bring {' '.join(sorted(offered_diag - allowed.after))}")
    if ss_after - ss_before:
        complaints.append(f"ss had more modules loaded than --allow-module-load: {' '.join(sorted(ss_after - ss_before))}")
    return complaints


# Rows against the scene's list.

def contains(row_part, expected_part):
    return all((row_part or {}).get(key) == value for key, value in expected_part.items())


def is_the_row(row, expected):
    if (row["netns"].get("inode"), row["family"], row["protocol"]) != (expected["netns"], expected["family"], expected["protocol"]):
        return False
    if row.get("inode", 0) != expected["inode"]:
        return False
    if expected["inode"]:
        return True
    return contains(row.get("local"), expected.get("local", {})) and contains(row.get("peer"), expected.get("peer", {}))


def owners_of(row, certainty):
    return sorted((owner["pid"], owner["via"], owner.get("tid", 0), tuple(owner["fds"])) for owner in row["owners"]
                  if (owner["certainty"] == "certain") == (certainty == "certain"))


def expected_owners(expected, certainty):
    return sorted((owner["pid"], owner["via"], owner.get("tid", 0), tuple(owner["fds"])) for owner in expected["owners"]
                  if owner["certainty"] == certainty)


def is_in(expected, outcome):
    return expected["views"] != "none" and (outcome.has_netlink or expected["views"] != "netlink")


def check_row(row, expected):
    """What is wrong with the row of an expected socket."""
    if "state" in expected and row.get("state") != expected["state"]:
        yield f"state {row.get('state')} instead of {expected['state']}"
    for end in ("local", "peer"):
        if not contains(row.get(end), expected.get(end, {})):
            yield f"{end} {row.get(end)} instead of {expected[end]}"
    if owners_of(row, "certain") != expected_owners(expected, "certain"):
        yield f"owners {owners_of(row, 'certain')} instead of {expected_owners(expected, 'certain')}"
    # Who may hold one socket may hold another of its kind: there can be more of these.
    missing = set(expected_owners(expected, "possible")) - set(owners_of(row, "possible"))
    if missing:
        yield f"no possible owner {sorted(missing)}, only {owners_of(row, 'possible')}"
    reason = row.get("ownerless_reason", {}).get("code")
    if reason != expected.get("reason"):
        yield f"reason {reason} instead of {expected.get('reason')}"


def check_scene(outcome, expectations):
    complaints = []
    for expected in expectations:
        if not is_in(expected, outcome):
            complaints += [f"{outcome.name}: {expected['label']}: {complaint}" for complaint in check_known_by_fd(outcome, expected)]
            continue
        rows = [row for row in outcome.snapshot["sockets"] if is_the_row(row, expected)]
        if len(rows) != 1:
            complaints.append(f"{outcome.name}: {expected['label']}: {len(rows)} rows of {expected}")
            continue
        complaints += [f"{outcome.name}: {expected['label']}: {complaint}" for complaint in check_row(rows[0], expected)]
    return complaints


def check_known_by_fd(outcome, expected):
    """No table shows it. Still its owners are known, and nothing is said of it that isn't so."""
    rows = [row for row in outcome.snapshot["sockets"] if row.get("inode") == expected["inode"]]
    if not rows:
        yield f"not even its fd is known: {expected}"
    for row in rows:
        if owners_of(row, "certain") != expected_owners(expected, "certain"):
            yield f"owners {owners_of(row, 'certain')} instead of {expected_owners(expected, 'certain')}"
        # A table of TCP was read: what is not in it is closed, which a bound socket is as well.
        if row["state"] not in ("UNKNOWN", expected.get("state")) and expected.get("state") != "BOUND-INACTIVE":
            yield f"no table was read that tells its state, which is said to be {row['state']}"


def is_below_smc(row, expectations):
    """A TCP socket that the kernel made for one of SMC. Where smc_diag doesn't tell their addresses, nothing explains it."""
    return row["protocol"] == "tcp" and any(
        expected["family"] == "smc" and contains(row["local"], expected["local"]) and contains(row["peer"], expected.get("peer", {}))
        for expected in expectations)


def check_nothing_else(outcome, expectations):
    """No row but those of the scene, of the collector and of the kernel."""
    inodes = {expected["inode"] for expected in expectations}
    complaints = []
    for row in outcome.snapshot["sockets"]:
        if row.get("inode") in inodes or any(is_the_row(row, expected) for expected in expectations if not expected["inode"]):
            continue
        if row.get("ownerless_reason", {}).get("code") == "kernel" or row["family"] == "netlink":
            continue
        if not outcome.has_netlink and is_below_smc(row, expectations) and not owners_of(row, "certain"):
            continue
        complaints.append(f"{outcome.name}: a row that the scene has not: {row}")
    return complaints


# Rows against ss.

def check_ss(outcome, texts, netns):
    complaints = []
    for table, text in texts.items():
        if not outcome.has_netlink and table not in ss_text.IN_PROC_NET:
            continue
        theirs = ss_text.rows(table, text)
        ours = [ss_text.row_of(row) for row in outcome.snapshot["sockets"]
                if row["netns"].get("inode") == netns and ss_text.table_of(row) == table and ss_text.is_shown(row)]
        if not outcome.has_netlink:
            theirs, ours = ([ss_text.without_netlink(row) for row in rows] for rows in (theirs, ours))
        theirs, ours = collections.Counter(theirs), collections.Counter(ours)
        complaints += [f"{outcome.name}: ss alone has {row}" for row in (theirs - ours).elements()]
        complaints += [f"{outcome.name}: ss has not {row}" for row in (ours - theirs).elements()]
    return complaints


def check_views(ssnap, archive):
    """The kernels tell the truth: no check of one view against another may be a finding, on any of them."""
    run = subprocess.run([ssnap, "analyze", archive, "--netns", "all", "--findings", "--rules", CROSS_VIEW_RULES, "--format", "json"],
                         capture_output=True, check=True)
    return [f"{archive.name}: {one['id']}: {one['sentence']}" for one in json.loads(run.stdout)["findings"] if one["level"] == "finding"]


def check_as_ss(ssnap, archive, texts):
    """What `analyze --as ss` makes of the archive is what ss said, line by line, in its order."""
    complaints = []
    for table, text in texts.items():
        if table == "netlink":
            continue  # who asks is in it
        run = subprocess.run([ssnap, "analyze", archive, "--as", "ss", "-H", "-O", "-n", "-a", "-e", "-p", ss_text.SWITCHES[table]],
                             capture_output=True, text=True)
        ours, theirs = ss_text.words(run.stdout), ss_text.words(text)
        if ours != theirs:
            complaints += [f"--as ss {table}: {line}" for line in difflib.unified_diff(theirs, ours, "ss", "ssnap", lineterm="", n=0)]
    return complaints
