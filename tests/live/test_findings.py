"""What `analyze --findings` says of processes that do something odd with their sockets, and not of those that only look like it."""

import array
import os
import shutil
import socket
import struct
import subprocess
import tempfile

from support import sandbox
from support.actors import (SOL_PACKET, TPACKET_V2, actor, fork_staying, inode_of, io_uring, listener, packet_ring, port_of)
from support.findings import FindingsTest
from support.netns import Netns

PACKET_ADD_MEMBERSHIP, PACKET_MR_PROMISC = 1, 1
ETH_P_ALL = 3
OSPF = 89


class ProcessFindingsTest(FindingsTest):
    def setUp(self):
        super().setUp()
        self.server = listener(backlog=64)
        self.addCleanup(self.server.close)

    def connection(self):
        """(near end, far end); both close with the test."""
        near = socket.create_connection(self.server.getsockname())
        far = self.server.accept()[0]
        self.addCleanup(near.close)
        self.addCleanup(far.close)
        return near, far

    def holder(self, sock, command=("/bin/cat",), keep=(), **arguments):
        """A program that runs for certain, with the socket and `keep`; this process closes its own copy of the socket."""
        inode = inode_of(sock)
        child = self.child(sandbox.exec_holder([sock.fileno(), *keep], command, **arguments))
        sock.close()
        return child, inode

    def shell(self, near, far, streams):
        """A shell that has run a command for certain."""
        inode = inode_of(near)
        process = subprocess.Popen(["/bin/sh"], pass_fds=[near.fileno()], **streams)
        self.child(sandbox.Child(process.pid, process))
        near.close()
        if process.stdin:
            process.stdin.write(b"echo ready\n")
            process.stdin.flush()
            self.assertEqual(process.stdout.readline(), b"ready\n")
        else:
            far.sendall(b"echo ready\n")
            self.assertEqual(far.recv(6, socket.MSG_WAITALL), b"ready\n")
        return inode

    def test_shell_on_socket(self):
        near, far = self.connection()
        fires = self.shell(near, far, {"stdin": near, "stdout": near})
        near, far = self.connection()
        behind_pipes = self.shell(near, far, {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE})
        near, far = self.connection()
        no_shell = inode_of(near)
        process = subprocess.Popen(["/bin/cat"], stdin=near, stdout=near)
        self.child(sandbox.Child(process.pid, process))
        near.close()
        far.sendall(b"ready")
        self.assertEqual(far.recv(5, socket.MSG_WAITALL), b"ready")
        self.take()
        finding = self.check_only("shell-on-socket", fires, behind_pipes)
        self.assertEqual(finding["severity"], "high")
        self.assertEqual([(place["member"].split("/", 2)[2], place["part"]) for place in finding["evidence"] if place["member"].startswith("proc/")],
                         [("fds", "0"), ("fds", "1"), ("links", "exe")])
        self.assertNotIn("shell-on-socket", self.about(no_shell))

    def copy_of_cat(self, folder):
        path = os.path.join(folder, "tool")
        shutil.copy("/bin/cat", path)
        return path

    def test_executables(self):
        folder = tempfile.mkdtemp(prefix="ssnap-", dir="/var/lib")
        self.addCleanup(shutil.rmtree, folder)
        _, temporary = self.holder(self.connection()[0], (self.copy_of_cat(self.folder),))
        _, elsewhere = self.holder(self.connection()[0], (self.copy_of_cat(folder),))
        _, deleted = self.holder(self.connection()[0], (os.path.join(folder, "tool"),))
        _, listens = self.holder(listener(), (os.path.join(folder, "tool"),))
        memory = os.memfd_create("tool", 0)
        self.addCleanup(os.close, memory)
        with open("/bin/cat", "rb") as cat:
            os.write(memory, cat.read())
        _, in_memory = self.holder(self.connection()[0], (f"/proc/self/fd/{memory}",), [memory])
        _, plain = self.holder(self.connection()[0])
        os.unlink(os.path.join(folder, "tool"))
        _, there = self.holder(self.connection()[0], (self.copy_of_cat(folder),))
        self.take()
        self.check_only("temporary-executable", temporary, plain)
        self.assertIn("which was in no file system", self.check_only("temporary-executable", in_memory, there)["sentence"])
        for inode in (deleted, elsewhere):
            self.check_only("deleted-executable", inode, there)
        self.assertNotIn("temporary-executable", self.about(deleted))
        self.assertEqual([name for name in self.about(listens) if "executable" in name], [])

    def test_kernel_thread_name(self):
        fires, inode = self.holder(self.connection()[0], ("[kworker/0:1-events]",), executable="/bin/cat")
        _, title = self.holder(self.connection()[0], ("[lxc monitor] /var/lib/lxc web",), executable="/bin/cat")
        self.take()
        finding = self.check_only("kernel-thread-name", inode, title)
        self.assertEqual([process["pid"] for process in finding["processes"]], [fires.pid])
        self.assertIn("[kworker/0:1-events]", finding["sentence"])

    def test_shared_listener(self):
        near, far = socket.socketpair()
        self.addCleanup(near.close)
        self.addCleanup(far.close)

        def sender(stage):
            sock = stage.keep(listener())
            near.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [sock.fileno()]))])
            stage.report(inode_of(sock))

        def receiver(stage):
            _, ancillary, _, _ = far.recvmsg(1, socket.CMSG_SPACE(4))
            [received] = struct.unpack("i", ancillary[0][2])
            # At the sender's number it would look like an inheritance of both from their parent.
            elsewhere = os.dup2(received, 50)
            os.close(received)
            stage.report(inode_of(elsewhere))

        def parent(stage):
            sock = stage.keep(listener())
            fork_staying(stage)
            stage.report(inode_of(sock))

        first, inode = actor(self, sender, [near.fileno()])
        second, received = actor(self, receiver, [far.fileno()])
        self.assertEqual(received, inode)
        _, of_family = actor(self, parent)
        self.take()
        finding = self.check_only("shared-listener", inode, of_family)
        self.assertEqual({process["pid"] for process in finding["processes"]}, {first.pid, second.pid})

    def test_namespace_without_process(self):
        empty = Netns()
        self.addCleanup(empty.close)
        with empty.entered():
            sock = listener()
        self.addCleanup(sock.close)

        def inhabitant(stage):
            sandbox.fresh_network_namespace()
            stage.report(inode_of(stage.keep(listener())))

        _, inhabited = actor(self, inhabitant)
        self.take()
        finding = self.check_only("namespace-without-process", inode_of(sock), inhabited)
        self.assertIn(str(empty.inode), finding["sentence"])

    def test_held_without_fd(self):
        def ring(stage, keep):
            sock = listener()
            io_uring([sock.fileno()])
            stage.report(inode_of(sock))
            if keep:
                stage.keep(sock)
            else:
                sock.close()
            stage.report()

        def mapped(stage):
            stage.report(packet_ring(TPACKET_V2))

        holders = [actor(self, lambda stage, keep=keep: ring(stage, keep)) for keep in (False, True)]
        for one, _ in holders:
            one.heard()
        _, by_mapping = actor(self, mapped)
        self.take()
        (_, without), (_, with_fd) = holders
        self.assertIn("io_uring", self.check_only("held-without-fd", without, with_fd)["sentence"])
        self.assertIn("mapping", self.check_only("held-without-fd", by_mapping, with_fd)["sentence"])

    def test_who_listens_to_what(self):
        promiscuous, ordinary = (socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL)) for _ in range(2))
        raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, OSPF)
        everywhere, here = listener(address="0.0.0.0"), listener()
        for sock in (promiscuous, ordinary, raw, everywhere, here):
            self.addCleanup(sock.close)
        for sock in (promiscuous, ordinary):
            sock.bind(("lo", 0))
        promiscuous.setsockopt(SOL_PACKET, PACKET_ADD_MEMBERSHIP, struct.pack("iHH8s", socket.if_nametoindex("lo"), PACKET_MR_PROMISC, 0, b""))
        self.take()
        me = f"[{os.getpid()}]"
        self.assertRegex(self.check_only("packet-socket", promiscuous, here)["sentence"], rf"\{me} .* packets of lo, promiscuous on lo, without a classic filter; its process began")
        self.assertIn("not promiscuous", self.check_only("packet-socket", ordinary, here)["sentence"])
        self.assertIn(", which receives ospf", self.check_only("raw-socket", raw, here)["sentence"])
        finding = self.check_only("open-listener", everywhere, here)
        self.assertIn(f"tcp 0.0.0.0:{port_of(everywhere)} ", finding["sentence"])
        self.assertEqual([process["pid"] for process in finding["processes"]], [os.getpid()])


if __name__ == "__main__":
    sandbox.main()
