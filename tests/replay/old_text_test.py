"""Copies of /proc that other collectors made: every row that can be read is there, every one that can't is a problem with its
place, and what a copy doesn't say is said to be unknown.

    old_text_test.py SSNAP
"""

import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

import old_trees
from old_trees import BIG_INODE, BIG_UID, ERAS, SCENE, Era, process, tables_of, write

SSNAP = pathlib.Path(sys.argv[1]).resolve()
del sys.argv[1]
LITTLE, BIG = Era("little"), Era("big", order="big")


class OldTextTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.trees = 0

    def tree(self, *parts):
        self.trees += 1
        root = self.folder / str(self.trees)
        root.mkdir()
        for part in parts:
            write(root, part)
        return root

    def run_ssnap(self, *words):
        return subprocess.run([SSNAP, *words], stdin=subprocess.DEVNULL, capture_output=True, check=False)

    def analyze(self, root, *words, stderr=b""):
        run = self.run_ssnap("analyze", root, "--format", "json", *words)
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertRegex(run.stderr, stderr if stderr else rb"\A\Z")
        self.snapshot = json.loads(run.stdout)
        return self.snapshot

    def rows(self, **wanted):
        return [row for row in self.snapshot["sockets"] if all(row.get(key) == value for key, value in wanted.items())]

    def row(self, **wanted):
        [row] = self.rows(**wanted)
        return row

    def ends(self, family, protocol):
        return sorted((row["local"]["address"], row["local"].get("port"), row["peer"]["address"], row["state_number"], row.get("inode", 0))
                      for row in self.rows(family=family, protocol=protocol))

    def check_scene(self):
        for table, family, protocol in (("tcp", "inet", "tcp"), ("tcp6", "inet6", "tcp"), ("udp", "inet", "udp"), ("udp6", "inet6", "udp")):
            expected = sorted((local, port, peer, state, inode) for (local, port), (peer, _), state, _, inode in SCENE[table])
            self.assertEqual(self.ends(family, protocol), expected)
        self.assertEqual(self.row(inode=4007)["protocol"], "raw")
        self.assertEqual(self.row(inode=BIG_INODE)["uid"], BIG_UID)

    def test_every_kernel_and_machine(self):
        for era in ERAS:
            with self.subTest(era.name):
                tables = {f"net/{name}": bytes for name, bytes in tables_of(era).items()}
                root = self.tree(tables, process(77, "httpd", [4003, 4004, 4008]))
                self.analyze(root)
                self.check_scene()
                self.assertEqual(self.snapshot["problems"], [])
                self.assertEqual((self.snapshot["host"]["byte_order"], self.snapshot["host"]["byte_order_from"]), (era.order, "deduced"))
                self.assertEqual(self.row(inode=4008)["local"]["path"], "/run/with blank.sock")
                self.assertEqual(self.row(inode=4010)["state"], "ESTAB")
                self.assertEqual(self.row(inode=4011)["family"], "packet")
                [netlink] = self.rows(family="netlink")
                self.assertEqual(netlink.get("inode"), None if era.netlink == "locks" else 4012)
                for inode in (4003, 4004, 4008):
                    self.assertEqual([(owner["pid"], owner["fds"]) for owner in self.row(inode=inode)["owners"]], [(77, [{4003: 3, 4004: 4, 4008: 5}[inode]])])
                # The kernel's own counts agree with the rows.
                account = {line["table"]: line for line in self.snapshot["account"]["tables"]}
                for table in ("tcp", "tcp6", "udp", "udp6", "raw"):
                    self.assertEqual((account[table]["counter"], account[table]["unexplained"]), (account[table]["countable"], 0), table)

    def test_names_of_old_kernels_hold_nuls(self):
        for era, name in ((ERAS[0], "abstract\\x00with\\x00"), (LITTLE, "abstract@with@")):
            self.analyze(self.tree({"net/unix": tables_of(era)["unix"]}))
            local = self.row(inode=4009)["local"]
            self.assertIn(local.get("abstract", local.get("path")).replace("\0", "\\x00").replace("\\u0000", "\\x00"), (name, "@" + name))

    def test_the_byte_order_is_taken_from_the_tree(self):
        """Each sign alone; from the option; guessed where there is none."""
        no_sign = [(("192.0.2.9", 22), ("198.51.100.7", 50123), 1, 0, 4002)]
        for era, other in ((LITTLE, BIG), (BIG, LITTLE)):
            def inet(table, rows, era=era):
                wide = table.endswith("6")
                return "\n".join(era.tcp(rows, wide=wide)).encode() + b"\n"

            plain = inet("tcp", no_sign)
            signs = [{"net/tcp": inet("tcp", [(("127.0.0.1", 1), ("0.0.0.0", 0), 10, 0, 9)])},
                     {"net/udp6": inet("tcp6", [(("::1", 1), ("::", 0), 7, 0, 9)])},
                     {"net/tcp6": inet("tcp6", [(("::ffff:192.0.2.9", 1), ("::", 0), 10, 0, 9)])},
                     {"net/udp6": inet("tcp6", [(("fe80::1234:5678:9abc:def0", 1), ("::", 0), 7, 0, 9)])},
                     {"net/tcp6": inet("tcp6", [(("2001:db8::17", 1), ("::", 0), 10, 0, 9)]),
                      "net/if_inet6": b"20010db8000000000000000000000017 02 40 00 80     eth0\n"},
                     {"net/route": "\n".join(era.route([("eth0", "10.0.0.0", "0.0.0.0", "255.0.0.0")])).encode() + b"\n"},
                     {"net/igmp": f"Idx\tDevice    : Count Querier\tGroup    Users Timer\tReporter\n2\teth0      :     1      V3\n"
                                  f"\t\t\t\t{era.address('224.0.0.1')}     1 0:00000000\t\t0\n".encode()}]
            for sign in signs:
                with self.subTest(order=era.order, sign=list(sign)):
                    host = self.analyze(self.tree({"net/raw": plain.replace(b" 4002 ", b" 4444 ")}, sign))["host"]
                    self.assertEqual((host["byte_order"], host["byte_order_from"]), (era.order, "deduced"))
                    self.assertRegex(host["byte_order_detail"], r"^[0-9A-F]{8,32} is .* \(net/\w+\+\d+\)$")
                    self.assertEqual(self.row(inode=4444)["local"]["address"], "192.0.2.9")
            with self.subTest(order=era.order, sign=None):
                root = self.tree({"net/tcp": plain})
                host = self.analyze(root, "--byte-order", era.order)["host"]
                self.assertEqual((host["byte_order"], host["byte_order_from"]), (era.order, "option"))
                self.assertEqual(self.row(inode=4002)["local"]["address"], "192.0.2.9")
                self.analyze(root, stderr=rb"byte order of the addresses is guessed: little; .*--byte-order")
                self.assertEqual(self.row(inode=4002)["local"]["address"], "192.0.2.9" if era is LITTLE else "9.2.0.192")
                self.assertEqual(self.snapshot["host"]["byte_order_from"], "guessed")
                self.assertTrue([problem for problem in self.snapshot["problems"] if "guessed" in problem["message"]])
                # The option goes before what the tree tells.
                self.analyze(self.tree({"net/tcp": plain}, signs[1]), "--byte-order", other.order)
                self.assertEqual(self.row(inode=4002)["local"]["address"], "192.0.2.9" if other is era else "9.2.0.192")

    def test_a_guess_is_said_in_every_format(self):
        root = self.tree({"net/tcp": "\n".join(LITTLE.tcp([(("192.0.2.9", 22), ("0.0.0.0", 0), 10, 0, 4002)])).encode() + b"\n"})
        for words in (("analyze", root), *(("analyze", root, "--format", form) for form in ("wide", "json", "ndjson", "csv")),
                      *(("analyze", root, "--as", tool, "-n") for tool in ("ss", "netstat", "lsof")), ("info", root), ("diff", root, root),
                      ("analyze", root, "--tree"), ("analyze", root, "--pairs"), ("analyze", root, "--findings"), ("analyze", root, "--count")):
            with self.subTest(words[0::2]):
                run = self.run_ssnap(*words)
                self.assertEqual(run.returncode, 0, run.stderr)
                self.assertIn(b"is guessed: little", run.stderr)
                given = self.run_ssnap(*words, "--byte-order", "little")
                self.assertEqual((given.returncode, given.stderr), (0, b""))
        self.assertIn(b"byte order guessed: little", self.run_ssnap("analyze", root).stdout)
        self.assertIn(b"Byte order    little, guessed", self.run_ssnap("info", root).stdout)
        # Nothing hangs on it where no address reads differently.
        zeros = self.tree({"net/tcp": "\n".join(LITTLE.tcp([(("0.0.0.0", 22), ("0.0.0.0", 0), 10, 0, 4002)])).encode() + b"\n"})
        self.assertEqual(self.run_ssnap("analyze", zeros).stderr, b"")

    def test_signs_of_both_orders_are_a_problem(self):
        loopback = [(("127.0.0.1", port), ("0.0.0.0", 0), 10, 0, 4000 + port) for port in (1, 2, 3)]
        self.analyze(self.tree({"net/tcp": "\n".join(BIG.tcp(loopback[:2])).encode() + b"\n",
                                "net/udp": "\n".join(LITTLE.udp(loopback[2:])).encode() + b"\n"}))
        self.assertEqual(self.snapshot["host"]["byte_order"], "big")
        [problem] = [problem["message"] for problem in self.snapshot["problems"] if "other one" in problem["message"]]
        self.assertIn("net/tcp+150", problem)
        self.assertIn("net/udp+128", problem)

    def test_a_tree_at_any_depth(self):
        tables = tables_of(LITTLE)
        holder = process(77, "httpd", [4003, 4004, 4008])
        for prefix in ("", "proc/", "a/proc/", "host 1/collected/proc/", "[root]/proc/"):
            with self.subTest(prefix):
                self.analyze(self.tree({f"{prefix}net/{name}": bytes for name, bytes in tables.items()},
                                       {prefix + name: value for name, value in holder.items()}))
                self.check_scene()
                self.assertEqual(self.snapshot["problems"], [])
                self.assertEqual([owner["pid"] for owner in self.row(inode=4003)["owners"]], [77])
        # Tables alone; below one process, as /proc/net and /proc/self are links that copies leave behind.
        for prefix in ("", "x/net/", "proc/77/net/", "77/net/", "proc/1/net/"):
            with self.subTest(prefix):
                self.analyze(self.tree({prefix + name: bytes for name, bytes in tables.items()}))
                self.check_scene()

    def test_of_two_trees_one_is_read(self):
        tables = {name: bytes for name, bytes in tables_of(LITTLE).items()}
        other = {f"backup/proc/net/{name}": bytes for name, bytes in tables_of(BIG).items()}
        self.analyze(self.tree({f"proc/net/{name}": bytes for name, bytes in tables.items()}, other, process(5, "x", [1])))
        self.check_scene()
        [problem] = self.snapshot["problems"]
        self.assertIn("more than one copy of /proc", problem["message"])
        self.assertEqual({item["member"] for row in self.snapshot["sockets"] for item in row["evidence"]} & set(other), set())

    def test_files_that_went_through_other_hands(self):
        tables = tables_of(LITTLE)
        def lines(name):
            return tables[name].splitlines(keepends=True)

        shapes = {
            "CRLF": {name: data.replace(b"\n", b"\r\n") for name, data in tables.items()},
            "no header": {name: b"".join(lines(name)[1:]) for name in ("tcp", "tcp6", "udp", "udp6", "raw", "unix", "packet", "netlink", "route")},
            "repeated": {name: tables[name] * 2 for name in ("tcp", "tcp6", "udp", "udp6", "raw", "packet", "netlink", "route")} | {"unix": tables["unix"] + b"".join(lines("unix")[1:])},
            "trailing blanks": {name: b"".join(line[:-1] + b" \t \n" for line in lines(name)) for name in ("tcp", "tcp6", "udp", "udp6", "raw", "packet")} | {"unix": tables["unix"]},
        }
        for shape, files in shapes.items():
            with self.subTest(shape):
                self.analyze(self.tree({f"net/{name}": data for name, data in files.items()}))
                self.check_scene()
                self.assertEqual(self.snapshot["problems"], [])
                self.assertEqual(self.row(inode=4008)["local"]["path"], "/run/with blank.sock")
                self.assertEqual(len(self.rows(family="packet")), 1)

    def test_rows_that_are_cut_or_damaged(self):
        tables = tables_of(LITTLE)
        rows = tables["tcp6"].splitlines(keepends=True)
        # No newline at the end: what is whole of the row is kept, and said to lack its end.
        self.analyze(self.tree({"net/tcp6": tables["tcp6"][:-1]}))
        self.assertEqual({row["inode"] for row in self.rows(protocol="tcp")}, {4003, 4004})
        [problem] = self.snapshot["problems"]
        self.assertEqual((problem["member"], problem["offset"]), ("proc/net/tcp6", len(rows[0]) + len(rows[1])))
        self.assertIn("kept", problem["message"])
        # Cut within the inode: the row would be another one's.
        self.analyze(self.tree({"net/tcp6": tables["tcp6"][:tables["tcp6"].rindex(b"4004") + 3]}))
        self.assertEqual([row["inode"] for row in self.rows(protocol="tcp")], [4003])
        # One bad row in the middle costs itself.
        self.analyze(self.tree({"net/tcp6": rows[0] + rows[1][:70] + b"\n" + rows[2]}))
        self.assertEqual([row["inode"] for row in self.rows(protocol="tcp")], [4004])
        [problem] = self.snapshot["problems"]
        self.assertEqual(problem["member"], "proc/net/tcp6")
        self.assertIn("row skipped", problem["message"])
        self.assertGreaterEqual(problem["offset"], len(rows[0]))
        self.assertLessEqual(problem["offset"], len(rows[0]) + 70)

    def gaps(self, source):
        return [gap for gap in self.snapshot["gaps"] if gap["source"] == source]

    def test_a_table_of_no_bytes_is_a_gap(self):
        tables = tables_of(LITTLE)
        self.analyze(self.tree({"net/tcp": tables["tcp"], "net/udp": b"", "net/unix": b""}))
        empty = {gap["member"]: gap for gap in self.gaps("proc_net") if gap["kind"] == "cut"}
        self.assertEqual(set(empty), {"proc/net/udp", "proc/net/unix"})
        self.assertIn("0 bytes", empty["proc/net/udp"]["detail"])
        self.assertEqual([line["table"] for line in self.snapshot["account"]["tables"]], ["tcp"])
        # Those that are not there at all are named too.
        [missing] = [gap["detail"] for gap in self.gaps("proc_net") if gap["kind"] == "vanished"]
        self.assertEqual(missing, "not in this copy of /proc/net: tcp6, udp6, raw, raw6, packet, netlink")
        # A header without rows is a table without sockets.
        self.analyze(self.tree({"net/udp": tables["udp"].splitlines(keepends=True)[0]}))
        self.assertEqual([line["listed"] for line in self.snapshot["account"]["tables"]], [0])
        self.assertEqual([gap for gap in self.gaps("proc_net") if gap["kind"] == "cut"], [])
        # Empty below one of its names, whole below another.
        self.analyze(self.tree({"proc/1/net/tcp": b"", "proc/net/tcp": tables["tcp"]}))
        self.assertEqual(len(self.rows(protocol="tcp")), 3)
        self.assertEqual([gap for gap in self.gaps("proc_net") if gap["kind"] == "cut"], [])

    def test_a_link_in_the_place_of_a_table(self):
        self.analyze(self.tree({"net/tcp": tables_of(LITTLE)["tcp"], "net/udp": "-> ../../tcp"}))
        [problem] = self.snapshot["problems"]
        self.assertEqual((problem["member"], problem["message"]), ("proc/net/udp", "a symbolic link, not a file: not followed"))
        self.assertEqual([line["table"] for line in self.snapshot["account"]["tables"]], ["tcp"])

    def test_owners_as_far_as_the_tree_goes(self):
        tables = {f"net/{name}": bytes for name, bytes in tables_of(LITTLE).items()}
        # No process at all, then processes without fds: nobody is said to hold nothing.
        self.analyze(self.tree(tables))
        reason = self.row(inode=4003)["ownerless_reason"]
        self.assertEqual((reason["code"], reason["detail"]), ("unreadable", "this copy of /proc has no fds of any process"))
        self.assertTrue(self.gaps("proc_pid_fd"))
        names_only = {"77/cmdline": b"httpd\0", "78/cmdline": b"sshd\0-D\0"}
        self.analyze(self.tree(tables, names_only))
        reason = self.row(inode=4003)["ownerless_reason"]
        self.assertEqual((reason["code"], [one["pid"] for one in reason["candidates"]]), ("unreadable", [77, 78]))
        # Of one process its fds alone.
        self.analyze(self.tree(tables, names_only, {"77/fd/3": "-> socket:[4003]"}))
        self.assertEqual([(owner["pid"], owner["fds"]) for owner in self.row(inode=4003)["owners"]], [(77, [3])])
        self.assertEqual([one["pid"] for one in self.row(inode=4004)["ownerless_reason"]["candidates"]], [78])
        self.assertEqual(self.gaps("proc_pid_fd"), [])
        # As ls printed them.
        listing = (b"total 0\nlrwx------ 1 root root 64 Nov 22 08:54 0 -> /dev/null\nlrwx------ 1 root root 64 Nov 22 08:54 7 -> socket:[4003]\n"
                   b"lrwx------. 1 root root 64 2026-11-22 08:54 8 -> socket:[4004]\n")
        for data in (listing, listing.replace(b"\n", b"\r\n"), listing[:-1]):
            self.analyze(self.tree(tables, {"77/fd": data}))
            self.assertEqual([self.row(inode=inode)["owners"][0]["fds"] for inode in (4003, 4004)], [[7], [8]])
            self.assertEqual(self.snapshot["problems"], [])
        # All that was copied was read, and holds it not: it may be of a process that was not copied.
        self.assertIn("this copy of /proc lacks", self.row(inode=4007)["ownerless_reason"]["detail"])

    def test_rows_and_the_kernels_counts_that_disagree(self):
        tables = tables_of(LITTLE)
        rows = tables["tcp"].splitlines(keepends=True)
        self.analyze(self.tree({"net/tcp": rows[0] + rows[1], "net/sockstat": tables["sockstat"]}))
        [line] = self.snapshot["account"]["tables"]
        self.assertEqual((line["listed"], line["counter"], line["countable"], line["unexplained"]), (1, 2, 1, 1))

    def test_extract_gives_the_tree_that_was_read(self):
        for prefix in ("", "a/proc/", "a/proc/77/"):
            root = self.tree({f"{prefix}net/{name}": bytes for name, bytes in tables_of(BIG).items()})
            out = self.folder / f"out-{self.trees}"
            run = self.run_ssnap("extract", root, "-C", out)
            self.assertEqual(run.returncode, 0, run.stderr)
            self.analyze(out)
            self.check_scene()
            self.assertEqual(self.snapshot["host"]["byte_order"], "big")


if __name__ == "__main__":
    unittest.main()
