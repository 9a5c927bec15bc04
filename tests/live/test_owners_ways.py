"""Every way to hold a socket: through the table of a process or a thread, an io_uring, a mapping. Where it is no plain
descriptor of a process, the real tools name nobody."""

import os
import socket
import threading

from support import sandbox
from support.actors import (TPACKET_V2, TPACKET_V3, actor, exit_leader, fork_staying, in_thread, inode_of, io_uring, listener,
                            map_and_close, own_file_table, packet_ring, port_of, start_ticks, stat_of)
from support.netns import Netns
from support.owners import OwnersTest

PORT = 4001


class WaysTest(OwnersTest):
    def test_a_listener_and_forked_children(self):
        def body(stage):
            sock = stage.keep(listener(PORT))
            children = [fork_staying(stage) for _ in range(3)]
            stage.report([inode_of(sock), sock.fileno(), children])

        parent, (inode, fd, children) = actor(self, body)
        self.take()
        everybody = {parent.pid, *children}
        shown = self.tools.shown(inode)
        self.assertEqual(shown["ss"], everybody)
        self.assertEqual(shown["netstat"], {min(everybody)}, "the first it meets")
        self.assertEqual(self.tools.pids("lsof", f":{PORT}"), everybody)
        row = self.row(inode)
        self.check_held(row, {(pid, "fd", None): [fd] for pid in everybody})
        self.assertEqual(self.owner(row, parent.pid)["origin"], "creator")
        for pid in children:
            owner = self.owner(row, pid)
            self.assertEqual(owner["origin"], "inherited")
            self.assertEqual(owner["inherited_from"], {"pid": parent.pid, "start_ticks": start_ticks(parent.pid)})

    def test_a_thread_with_a_table_of_its_own(self):
        """Three sockets: made in the thread's table, left there alone, and in both tables."""
        def body(stage):
            left, both = listener(PORT + 1), stage.keep(listener(PORT + 2))

            def thread():
                own_file_table()
                made = stage.keep(listener(PORT))
                told.append([threading.get_native_id(), inode_of(made), made.fileno()])
                ready.set()
                threading.Event().wait()

            told, ready = [], threading.Event()
            in_thread(thread)
            ready.wait()
            left_inode, left_fd = inode_of(left), left.fileno()
            left.close()  # in the leader's table alone
            stage.report([*told[0], left_inode, left_fd, inode_of(both), both.fileno()])

        process, (tid, made, made_fd, left, left_fd, both, both_fd) = actor(self, body)
        self.take()
        self.check_nobody(made)
        self.check_nobody(f":{PORT}")
        self.check_nobody(left)
        self.check_nobody(f":{PORT + 1}")
        self.check_listed(made)
        self.check_listed(left)
        self.assertEqual(self.tools.shown(both)["ss"], {process.pid})
        self.check_held(self.row(made), {(process.pid, "thread-fd", tid): [made_fd]})
        self.check_held(self.row(left), {(process.pid, "thread-fd", tid): [left_fd]})
        self.check_held(self.row(both), {(process.pid, "fd", None): [both_fd], (process.pid, "thread-fd", tid): [both_fd]})

    def test_a_thread_that_shares_its_table(self):
        """The everyday case: one owner, and no thread is named."""
        def body(stage):
            def thread():
                made = stage.keep(listener(PORT))
                stage.report([inode_of(made), made.fileno()])
                threading.Event().wait()

            in_thread(thread)

        process, (inode, fd) = actor(self, body)
        self.take()
        self.check_held(self.row(inode), {(process.pid, "fd", None): [fd]})

    def test_the_leader_has_exited(self):
        def body(stage):
            def thread():
                sock = stage.keep(listener(PORT))
                stage.report([threading.get_native_id(), inode_of(sock), sock.fileno()])
                stage.stay()
                os._exit(0)

            in_thread(thread)
            exit_leader()

        process, (tid, inode, fd) = actor(self, body)
        sandbox.wait_until(lambda: stat_of(process.pid)[0] == "Z", "the leader's end")
        self.assertNotEqual(tid, process.pid)
        self.take()
        self.check_nobody(inode)
        self.check_nobody(f":{PORT}")
        self.check_listed(inode)
        row = self.row(inode)
        self.check_held(row, {(process.pid, "thread-fd", tid): [fd]})
        # A zombie has no exe and no command line: its thread has.
        self.assertRaises(OSError, os.readlink, f"/proc/{process.pid}/exe")
        self.assertEqual(row["owners"][0]["exe"], os.readlink(f"/proc/{process.pid}/task/{tid}/exe"))
        with open(f"/proc/{process.pid}/task/{tid}/cmdline", "rb") as file:
            self.assertEqual(row["owners"][0]["cmdline"], file.read().decode().split("\0")[:-1])
        self.assertIs(self.processes[process.pid]["zombie"], True)

    def test_registered_with_an_io_uring(self):
        def body(stage):
            first, second, kept = listener(PORT), socket.socket(socket.AF_UNIX), stage.keep(listener(PORT + 1))
            second.bind("\0ring")
            ring = io_uring([-1, first.fileno(), second.fileno(), -1, first.fileno(), kept.fileno()])
            inodes = [inode_of(first), inode_of(second), inode_of(kept)]
            first.close()
            second.close()
            stage.report([ring, *inodes, kept.fileno()])

        process, (ring, first, second, kept, kept_fd) = actor(self, body)
        self.take()
        for inode in (first, second):
            self.check_nobody(inode)
            self.check_listed(inode)
        self.check_nobody(f":{PORT}")
        for inode, places in ((first, [1, 4]), (second, [2])):
            row = self.row(inode)
            self.check_held(row, {(process.pid, "io_uring", None): [ring]})
            self.assertEqual(row["owners"][0]["registered_files"], places)
        # Held both ways.
        self.check_held(self.row(kept), {(process.pid, "fd", None): [kept_fd], (process.pid, "io_uring", None): [ring]})

    def test_a_packet_ring_that_is_mapped(self):
        def body(stage):
            stage.report([packet_ring(version) for version in (TPACKET_V2, TPACKET_V3)])

        process, inodes = actor(self, body)
        self.take()
        for inode in inodes:
            self.check_nobody(inode)
            self.check_listed(inode, tools=["ss"])  # netstat has no table of them
            self.check_held(self.row(inode), {(process.pid, "mmap", None): []})

    def test_a_tcp_socket_that_is_mapped(self):
        server = listener(PORT)
        self.addCleanup(server.close)

        def body(stage):
            sock = socket.create_connection(("127.0.0.1", PORT))
            port = port_of(sock)
            stage.report([map_and_close(sock, 4096), port])

        process, (inode, port) = actor(self, body)
        accepted, _ = server.accept()
        self.addCleanup(accepted.close)
        self.take()
        self.check_nobody(inode)
        self.check_listed(inode)
        row = self.row(inode)
        self.assertEqual(row["local"]["port"], port)
        self.check_held(row, {(process.pid, "mmap", None): []})

    def test_a_thread_in_another_network_namespace(self):
        """With the process's table, and with one of its own."""
        def body(stage):
            def thread(own_table):
                if own_table:
                    own_file_table()
                netns = sandbox.fresh_network_namespace()
                sock = stage.keep(listener(PORT))
                told.append([threading.get_native_id(), netns, inode_of(sock), sock.fileno()])
                ready.set()
                threading.Event().wait()

            told = []
            for own_table in (False, True):
                ready = threading.Event()
                in_thread(lambda own=own_table: thread(own))
                ready.wait()
            stage.report(told)

        process, told = actor(self, body)
        self.take()
        for (tid, netns, inode, fd), own_table in zip(told, (False, True)):
            with self.subTest(own_table=own_table):
                self.assertEqual(os.stat(f"/proc/{process.pid}/task/{tid}/ns/net").st_ino, netns)
                for tool in ("ss", "netstat"):
                    self.assertEqual(self.tools.rows(tool, inode), [], "shown only there")
                row = self.row(inode)
                self.assertEqual(row["netns"]["inode"], netns)
                self.assertEqual((row["state"], row["local"]["port"]), ("LISTEN", PORT))
                holder = (process.pid, "thread-fd", tid) if own_table else (process.pid, "fd", None)
                self.assertIn(holder, [(owner["pid"], owner["via"], owner.get("tid")) for owner in row["owners"]])
                self.assertEqual(self.owner(row, process.pid, via=holder[1], tid=holder[2])["fds"], [fd])

    def test_a_namespace_that_only_sockets_pin(self):
        """The process made sockets there and came back. No table is read there: the protocol and the fd are known."""
        def body(stage):
            netns = Netns()
            with netns.entered():
                udp, unix = socket.socket(socket.AF_INET, socket.SOCK_DGRAM), socket.socket(socket.AF_UNIX)
                tcp = listener(PORT)
            udp.bind(("127.0.0.1", PORT))
            netns.close()
            socks = {"udp": stage.keep(udp), "stream": stage.keep(unix), "tcp": stage.keep(tcp)}
            stage.report([netns.inode, {protocol: [inode_of(sock), sock.fileno()] for protocol, sock in socks.items()}])

        process, (netns, socks) = actor(self, body)
        self.take()
        self.assertNotIn(netns, {namespace.get("inode") for namespace in self.snapshot["namespaces"]})
        for protocol, (inode, fd) in socks.items():
            with self.subTest(protocol):
                for tool in ("ss", "netstat"):
                    self.assertEqual(self.tools.rows(tool, inode), [], "nowhere at all")
                row = self.row(inode)
                self.assertEqual(row["family"], "unix" if protocol == "stream" else "inet")
                # The kernel names UNIX sockets' protocol without their kind.
                self.assertEqual(row["protocol"], protocol if row["family"] == "inet" else row["protocol"])
                self.assertNotIn("inode", row["netns"], "unknown is not 0, and not the collector's")
                self.check_held(row, {(process.pid, "fd", None): [fd]})
                self.assertEqual([source["view"] for source in row["sources"]], ["sockprotoname"])

    def test_all_ways_are_explained(self):
        """Twice by one process, once more by a dup in a child's child; nothing in the whole snapshot is without a word."""
        def body(stage):
            sock = stage.keep(listener(PORT))
            second = os.dup(sock.fileno())

            def child():
                stage.report([inode_of(sock), sock.fileno(), second, os.getppid(), fork_staying(stage)])

            fork_staying(stage, child)

        process, (inode, fd, second, ppid, grandchild) = actor(self, body)
        self.assertEqual(ppid, process.pid)
        self.take()
        row = self.row(inode)
        self.assertEqual({owner["pid"]: owner["fds"] for owner in row["owners"]},
                         {pid: [fd, second] for pid in (process.pid, stat_of(grandchild)[1], grandchild)})
        self.check_all_explained()


if __name__ == "__main__":
    sandbox.need("ss", "netstat", "lsof")
    sandbox.main(own_processes=True)
