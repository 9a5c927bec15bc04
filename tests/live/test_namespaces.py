"""Every network namespace is captured, whatever keeps it: a process, a thread, a bind mount, an open descriptor. Rows of
two namespaces are never mixed; the answer names, selects and counts them."""

import os
import re
import shutil
import socket
import subprocess
import threading

from support import sandbox, zstd_frames
from support.netns import MS_BIND, Netns, mount, own_mounts, setns
from support.ssnap import SSNAP, analyze_json, capture, certain_owners, sockets_of, ssnap

NOBODY = 65534
AS_NOBODY = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--inh-caps=-all", "--")

# A thousand takes some seconds to make: the everyday number is smaller.
MANY = int(os.environ.get("SSNAP_NETNS_COUNT", "300"))

# Mount points as `ip netns add` makes them, one with what mountinfo escapes.
MOUNTED = {"blue": "/run/netns/blue", "odd name\n": "/run/netns/odd name\n"}
PORT = 7000


def listener(port=PORT, address="127.0.0.1"):
    sock = socket.socket()
    sock.bind((address, port))
    sock.listen(1)
    return sock


def inode_of(sock):
    return os.fstat(sock.fileno()).st_ino


def mounting_child():
    """A child with a mount namespace of its own, in which MOUNTED are; it runs in the namespace of the test. It holds a
    listener in each. Returns (child, {name: (netns inode, socket inode, fd)})."""
    report_read, report_write = os.pipe()
    life_read, life_write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(report_read)
            os.close(life_write)
            own_mounts()
            mount("tmpfs", "/run", "tmpfs")
            os.mkdir("/run/netns")
            held, own = [], os.open("/proc/self/ns/net", os.O_RDONLY)
            for path in MOUNTED.values():
                sandbox.fresh_network_namespace()
                with open(path, "wb"):
                    pass
                mount("/proc/self/ns/net", path, flags=MS_BIND)
                held.append(listener())
                fd = held[-1].fileno()
                os.write(report_write, f"{os.stat('/proc/self/ns/net').st_ino} {inode_of(held[-1])} {fd}\n".encode())
            setns(own)
            os.close(own)  # and so no descriptor of a namespace is open
            os.close(report_write)
            os.read(life_read, 1)
        finally:
            os._exit(0)
    os.close(report_write)
    os.close(life_read)
    with os.fdopen(report_read) as report:
        found = [tuple(int(word) for word in line.split()) for line in report]
    assert len(found) == len(MOUNTED), "the mounting child failed"
    return sandbox.Child(pid, life_write), dict(zip(MOUNTED, found))


class ThreadInNetns:
    """A thread of this process in a network namespace of its own, in which it made a listener."""

    def __init__(self):
        self.ready, self.done = threading.Event(), threading.Event()
        self.inode = None
        self.thread = threading.Thread(target=self.run)
        self.thread.start()
        self.ready.wait()
        assert self.inode, "the thread did not get a namespace"

    def run(self):
        try:
            inode = sandbox.fresh_network_namespace()
            self.sock = listener()
            self.tid = threading.get_native_id()
            self.inode = inode
        finally:
            self.ready.set()
        self.done.wait()
        self.sock.close()

    def end(self):
        self.done.set()
        self.thread.join()


class NamespacesTest(sandbox.LiveTest):
    def keep(self, sock):
        self.addCleanup(sock.close)
        return sock

    def other(self):
        netns = Netns()
        self.addCleanup(netns.close)
        return netns

    def process_in(self, netns):
        """A process that does nothing but live in it."""
        with netns.entered():
            return self.child(sandbox.exec_holder([]))

    def snapshot(self, *arguments):
        self.archive = self.path("a.tar.zst")
        self.captured = capture(self, self.archive, *arguments)
        self.namespaces = {namespace.get("inode"): namespace for namespace in self.captured["namespaces"]}
        return self.captured

    def test_the_same_address_stays_two_rows(self):
        """Ports and abstract names belong to a namespace: nothing but it tells these apart."""
        netns = self.other()
        holder = self.process_in(netns)

        def make():
            udp = self.keep(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            udp.bind(("127.0.0.1", PORT))
            unix = self.keep(socket.socket(socket.AF_UNIX))
            unix.bind("\0same")
            unix.listen(1)
            return {"tcp": self.keep(listener()), "udp": udp, "stream": unix}

        here = make()
        with netns.entered():
            there = make()
        self.snapshot()
        for inode, made in ((self.netns, here), (netns.inode, there)):
            rows = sockets_of(self.captured, inode)
            self.assertEqual(sorted((row["protocol"], row["inode"]) for row in rows),
                             sorted((protocol, inode_of(sock)) for protocol, sock in made.items()))
            for row in rows:
                self.assertEqual(certain_owners(row), {os.getpid(): [made[row["protocol"]].fileno()]})
                if row["family"] == "inet":
                    self.assertEqual((row["local"]["address"], row["local"]["port"]), ("127.0.0.1", PORT))
                else:
                    self.assertEqual(row["local"], {"abstract": "same"})
        self.assertIs(self.namespaces[self.netns]["own"], True)
        self.assertIs(self.namespaces[netns.inode]["own"], False)
        self.assertRegex(self.namespaces[netns.inode]["how"], rf"\bprocess {holder.pid}\b")

    def test_mounted_held_by_a_descriptor_and_of_a_thread(self):
        child, mounted = mounting_child()
        self.child(child)
        by_fd = self.other()
        with by_fd.entered():
            fd_sock = self.keep(listener())
        thread = ThreadInNetns()
        self.addCleanup(thread.end)
        # That is really all that is known of each.
        self.assertEqual({os.stat(f"/proc/{pid}/ns/net").st_ino for pid in os.listdir("/proc") if pid.isdigit()}, {self.netns})
        with open("/proc/self/mountinfo", encoding="utf-8") as file:
            self.assertNotIn("/run/netns/blue", file.read())
        self.snapshot()
        expected = {self.netns, by_fd.inode, thread.inode} | {netns for netns, _, _ in mounted.values()}
        self.assertEqual(set(self.namespaces), expected)

        for name, (netns, sock, fd) in mounted.items():
            with self.subTest(name):
                self.check_only_listener(netns, sock, child.pid, fd)
                self.assertEqual(self.namespaces[netns]["name"], name)
                self.assertIn("mount", self.namespaces[netns]["how"])
                self.assertIn("/run/netns/" + name.split()[0], self.namespaces[netns]["how"])
        with self.subTest("fd"):
            self.check_only_listener(by_fd.inode, inode_of(fd_sock), os.getpid(), fd_sock.fileno())
            self.assertRegex(self.namespaces[by_fd.inode]["how"], rf"\bfd {by_fd.fd} of process {os.getpid()}\b")
        with self.subTest("thread"):
            self.check_only_listener(thread.inode, inode_of(thread.sock), os.getpid(), thread.sock.fileno())
            self.assertRegex(self.namespaces[thread.inode]["how"], rf"\bthread {thread.tid} of process {os.getpid()}\b")

    def check_only_listener(self, netns, sock, pid, fd):
        rows = sockets_of(self.captured, netns)
        self.assertEqual([(row["state"], row["local"]["port"], row["inode"]) for row in rows], [("LISTEN", PORT, sock)])
        self.assertEqual(certain_owners(rows[0]), {pid: [fd]})
        # Asked for inside: both views have it.
        self.assertEqual({source["view"] for source in rows[0]["sources"]}, {"inet_diag", "proc_net_tcp"})

    def test_a_namespace_that_only_a_socket_keeps(self):
        """Nothing leads into it. Its socket is in an fd table and in no other: named by its protocol, of an unknown namespace."""
        netns = Netns()
        with netns.entered():
            sock = self.keep(listener())
        netns.close()
        self.snapshot()
        self.assertNotIn(netns.inode, self.namespaces)
        with open(self.archive, "rb") as file:
            named = [content for path, content in zstd_frames.members_of(file.read()).items() if "sockprotoname" in path]
        self.assertTrue(any(re.search(rb"\b%d %d %d\b[^\0\n]*\bTCP\b" % (inode_of(sock), os.getpid(), sock.fileno()), content)
                            for content in named), named)
        [row] = [row for row in self.captured["sockets"] if row.get("inode") == inode_of(sock)]
        self.assertEqual(certain_owners(row), {os.getpid(): [sock.fileno()]})
        self.assertEqual((row["family"], row["protocol"], row["netns"]["name"]), ("inet", "tcp", "unknown"))
        self.assertNotIn("inode", row["netns"])

    def test_selection(self):
        child, mounted = mounting_child()
        self.child(child)
        own = self.keep(listener(7001))
        self.snapshot()
        blue, odd = mounted["blue"][0], mounted["odd name\n"][0]

        def chosen(*arguments):
            return {row["netns"]["inode"] for row in analyze_json(self, self.archive, *arguments)["sockets"]}

        self.assertEqual(chosen(), {self.netns, blue, odd}, "JSON holds all")
        self.assertEqual(chosen("--netns", "all"), {self.netns, blue, odd})
        self.assertEqual(chosen("--netns", "blue"), {blue})
        self.assertEqual(chosen("--netns", str(odd)), {odd})
        self.assertEqual(chosen("--netns", str(self.netns)), {self.netns})
        run = ssnap("analyze", self.archive, "--netns", "no-such-name")
        self.assertIn(run.returncode, (1, 2))
        self.assertIn(b"no-such-name", run.stderr)
        self.assertNotIn(b"LISTEN", run.stdout)
        self.check_tables(own)

    def check_tables(self, own):
        """The table shows the host's own namespace and counts the others; asked for all, it says which is which."""
        def table(*arguments):
            run = ssnap("analyze", self.archive, "-lnt", *arguments)
            self.assertEqual((run.returncode, run.stderr), (0, b""))
            return run.stdout.decode()

        default = table()
        rows = [line for line in default.splitlines() if line.startswith("LISTEN")]
        self.assertEqual(len(rows), 1)
        self.assertIn(f":{own.getsockname()[1]}", rows[0])
        # Of those that the switches ask for.
        others = len([row for row in self.captured["sockets"] if row["netns"]["inode"] != self.netns
                      and row["protocol"] == "tcp" and row["state"] == "LISTEN"])
        self.assertRegex(default, rf"\b{others} sockets in 2 other namespaces: --netns all\b")
        self.assertRegex(default, r"\bthis namespace of 3\b")
        rows = [line for line in table("--netns", "all").splitlines() if "LISTEN" in line]
        self.assertEqual(len(rows), 3)
        self.assertEqual(len([line for line in rows if "blue" in line]), 1)
        [row] = [line for line in table("--netns", "blue").splitlines() if "LISTEN" in line]
        self.assertIn(f":{PORT}", row)

    def test_capture_of_the_own_namespace(self):
        others = [self.other() for _ in range(2)]
        for netns in others:
            self.process_in(netns)
            with netns.entered():
                self.keep(listener())
        own = self.keep(listener(7001))
        self.snapshot("--netns", "self")
        rows = [row for row in self.captured["sockets"] if row["family"] in ("inet", "inet6", "unix")]
        self.assertEqual([(row["netns"]["inode"], row["inode"]) for row in rows], [(self.netns, inode_of(own))])
        skipped = [gap for gap in self.captured["gaps"] if gap["kind"] == "skipped" and "netns" in gap["source"]]
        self.assertEqual([gap["count"] for gap in skipped], [2], skipped)
        run = ssnap("info", self.archive)
        self.assertRegex(run.stdout.decode(), r"(?m)^.*\b2 skipped\b.*netns")
        with open(self.archive, "rb") as file:
            names = zstd_frames.members_of(file.read())
        for netns in others:
            self.assertEqual([name for name in names if name.startswith(f"netns/{netns.inode}/")], [])

    def test_a_namespace_that_cannot_be_entered(self):
        """Seen and not allowed in: the answer lacks its tables and says so."""
        netns = self.other()
        with netns.entered():
            self.child(sandbox.exec_holder([], (*AS_NOBODY, "/bin/cat")))
        os.chmod(self.folder, 0o755)
        shutil.copy(SSNAP, self.path("ssnap"))
        os.chmod(self.path("ssnap"), 0o755)
        archive = self.path("a.tar.zst")
        with open(archive, "wb") as output:
            run = subprocess.run([*AS_NOBODY, self.path("ssnap"), "capture", "-o", "-"], cwd="/", stdout=output,
                                 stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.assertEqual(run.returncode, 3, run.stderr)
        snapshot = analyze_json(self, archive)
        self.assertIn(netns.inode, {namespace["inode"] for namespace in snapshot["namespaces"]})
        denied = [gap for gap in snapshot["gaps"] if gap["kind"] == "denied" and gap.get("netns") == netns.inode]
        self.assertTrue(denied, "no gap names the namespace")
        self.assertEqual({gap["errno"] for gap in denied}, {1})

    def test_many(self):
        """As many as a host with containers has, each held by nothing but a descriptor, all with the same address."""
        made = {}
        for _ in range(MANY):
            netns = self.other()
            with netns.entered():
                made[netns.inode] = self.keep(listener())
        self.assertEqual(len(made), MANY)
        self.snapshot()
        # Differences only: a thousand numbers help nobody.
        self.assertEqual((set(made) | {self.netns}) ^ set(self.namespaces), set())
        found = {}
        for row in self.captured["sockets"]:
            if row["family"] in ("inet", "inet6", "unix"):
                found.setdefault(row["netns"]["inode"], []).append(row)
        self.assertEqual(set(found) ^ set(made), set())
        for netns, sock in made.items():
            self.assertEqual([(row["local"]["port"], row["inode"]) for row in found[netns]], [(PORT, inode_of(sock))])
            self.assertEqual(certain_owners(found[netns][0]), {os.getpid(): [sock.fileno()]})
        # And none of them is a gap.
        self.assertEqual([gap for gap in self.captured["gaps"] if gap.get("netns") in made], [])


if __name__ == "__main__":
    sandbox.need("setpriv", "zstd")
    sandbox.main(own_processes=True)
