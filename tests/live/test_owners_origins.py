"""How each holder came to hold a socket: it made it, it got it by fork, by exec as in socket activation, or in a message.
Nothing in the kernel remembers: each conclusion is probable at best and names what speaks for it."""

import os
import socket

from support import sandbox
from support.actors import actor, become_subreaper, fork_staying, inode_of, listener, next_tick, start_ticks, stat_of
from support.owners import OwnersTest

PORT = 4001
NOBODY_UID = 65534
SD_LISTEN_FDS_START = 3


def by_id(pid):
    return {"pid": pid, "start_ticks": start_ticks(pid)}


class OriginsTest(OwnersTest):
    def check_origin(self, row, pid, origin, source=None, evidence=()):
        """`source`: the process that it came from, None where none is named; `evidence`: clues that must be among it."""
        owner = self.owner(row, pid)
        self.assertEqual(owner["origin"], origin, owner)
        self.assertIn(owner.get("origin_certainty"), (None,) if origin == "unknown" else ("probable", "possible"),
                      "a descriptor leaves no trace of its way")
        for field, its_origin in (("inherited_from", "inherited"), ("passed_by", "passed")):
            self.assertEqual(owner.get(field), by_id(source) if source and origin == its_origin else None, field)
        self.assertLessEqual(set(evidence), set(owner["origin_evidence"]), owner)
        if origin != "unknown":
            self.assertTrue(owner["origin_evidence"], "a conclusion has its evidence")
        return owner

    def test_a_parent_and_its_children(self):
        def body(stage):
            sock = stage.keep(listener(PORT))
            stage.report([inode_of(sock), [fork_staying(stage) for _ in range(2)]])

        parent, (inode, children) = actor(self, body)
        self.take()
        row = self.row(inode)
        self.assertEqual(self.tools.shown(inode)["ss"], {parent.pid, *children}, "but not who from whom")
        self.check_origin(row, parent.pid, "creator", evidence=["others-descend"])
        for pid in children:
            self.check_origin(row, pid, "inherited", parent.pid, evidence=["ancestor-holds", "same-fd"])

    def test_a_grandchild_whose_parent_let_go(self):
        """The nearest ancestor that holds it counts."""
        def body(stage):
            sock = stage.keep(listener(PORT))

            def child():
                grandchild = fork_staying(stage)
                sock.close()
                stage.report([os.getpid(), grandchild])

            stage.report(inode_of(sock))
            fork_staying(stage, child)

        ancestor, inode = actor(self, body)
        between, grandchild = ancestor.heard()
        self.take()
        row = self.row(inode)
        self.assertEqual({owner["pid"] for owner in row["owners"]}, {ancestor.pid, grandchild})
        self.assertNotIn(between, [owner["pid"] for owner in row["owners"]])
        self.check_origin(row, ancestor.pid, "creator")
        self.check_origin(row, grandchild, "inherited", ancestor.pid, evidence=["ancestor-holds"])

    def test_siblings_whose_parent_closed_it(self):
        """Prefork workers whose master let go of its copy."""
        def body(stage):
            sock = listener(PORT)
            inode, fd = inode_of(sock), sock.fileno()
            workers = [fork_staying(stage) for _ in range(3)]
            sock.close()
            stage.report([inode, fd, workers])

        master, (inode, fd, workers) = actor(self, body)
        self.take()
        row = self.row(inode)
        self.check_held(row, {(pid, "fd", None): [fd] for pid in workers})
        for pid in workers:
            self.check_origin(row, pid, "inherited", master.pid, evidence=["parent-held", "same-fd"])

    def with_a_reaper(self, first):
        """Runs `first(stage)` as the child of a subreaper that has another program: whose children's parents end, those it
        gets. Returns (the actor, what was reported)."""
        def body(stage):
            become_subreaper()
            fork_staying(stage, lambda: first(stage))
            os.dup2(stage.life_fd, 0)
            os.execv("/bin/cat", ["cat"])

        reaper, told = actor(self, body)
        sandbox.wait_until(lambda: os.readlink(f"/proc/{reaper.pid}/exe").endswith("/cat"), "the reaper's program")
        return reaper, told

    def orphans(self, number):
        """Children of a creator that has ended, by its subreaper: (reaper, inode, fd, children)."""
        def creator(stage):
            sock = listener(PORT)
            stage.report([os.getpid(), inode_of(sock), sock.fileno(), [fork_staying(stage) for _ in range(number)]])
            os._exit(0)

        reaper, (creator_pid, inode, fd, children) = self.with_a_reaper(creator)
        sandbox.wait_until(lambda: {stat_of(pid)[1] for pid in children} == {reaper.pid}, "the creator's end")
        self.assertNotIn(creator_pid, children)
        return reaper, inode, fd, children

    def test_reparented(self):
        """The creator has ended: who holds it is certain, that their parent is now somebody else makes that no creator."""
        reaper, inode, fd, children = self.orphans(2)
        self.take()
        self.assertEqual(self.tools.shown(inode)["ss"], set(children))
        row = self.row(inode)
        self.check_held(row, {(pid, "fd", None): [fd] for pid in children})
        for pid in children:
            owner = self.owner(row, pid)
            self.assertEqual(owner["origin"], "inherited", "at one fd in one session, of processes that are nothing but forks")
            self.assertNotIn("inherited_from", owner, "the process that it came from is gone")
            self.assertIn("parent-held", owner["origin_evidence"])
            self.assertEqual(self.processes[pid]["ppid"], reaper.pid)

    def test_the_only_holder_is_reparented(self):
        """It may have made it after the fork: nothing tells."""
        reaper, inode, _, [child] = self.orphans(1)
        self.take()
        owner = self.owner(self.row(inode), child)
        self.assertEqual(owner["origin"], "unknown", owner)
        self.assertNotIn("inherited_from", owner)
        self.assertEqual(self.processes[child]["ppid"], reaper.pid)

    def test_a_daemon(self):
        """Forked twice, in a session of its own, with its parent's parent alive and holding: no kinship is left to see."""
        def creator(stage):
            sock = stage.keep(listener(PORT))

            def between():
                os.setsid()
                stage.report([inode_of(sock), os.getppid(), fork_staying(stage)])
                os._exit(0)

            os.waitpid(fork_staying(stage, between), 0)

        reaper, (inode, maker, daemon) = self.with_a_reaper(creator)
        sandbox.wait_until(lambda: stat_of(daemon)[1] == reaper.pid, "the parent's end")
        self.take()
        row = self.row(inode)
        self.assertEqual({owner["pid"] for owner in row["owners"]}, {maker, daemon})
        self.assertIn(self.owner(row, daemon)["origin"], ("inherited", "unknown"), "it was not passed")
        self.assertIn(self.owner(row, daemon).get("inherited_from"), (None, by_id(maker)))
        # Both are now children of a process that doesn't hold it: its maker may look as if it had inherited it, too.
        said = self.owner(row, maker)
        self.assertTrue(said["origin"] in ("creator", "unknown") or said["origin_certainty"] == "possible", said)

    def test_passed_between_siblings(self):
        one, other = socket.socketpair()

        def maker(stage):
            end = socket.socket(fileno=one.fileno())
            sock = stage.keep(listener(PORT))
            socket.send_fds(end, [b"it"], [sock.fileno()])
            end.detach()
            stage.report([inode_of(sock), sock.fileno()])

        def taker(stage):
            end = socket.socket(fileno=other.fileno())
            for _ in range(5):  # so that it gets another number
                stage.keep(os.open("/dev/null", os.O_RDONLY))
            [fd] = socket.recv_fds(end, 2, 1)[1]
            end.detach()
            stage.report(fd)

        sender, (inode, made_fd) = actor(self, maker, keep=[one.fileno()])
        next_tick()
        receiver, fd = actor(self, taker, keep=[other.fileno()])
        one.close()
        other.close()
        self.assertNotEqual(fd, made_fd)
        self.take()
        row = self.row(inode)
        self.assertEqual(self.tools.shown(inode)["ss"], {sender.pid, receiver.pid}, "but not who from whom")
        self.check_held(row, {(sender.pid, "fd", None): [made_fd], (receiver.pid, "fd", None): [fd]})
        self.check_origin(row, sender.pid, "creator")
        self.check_origin(row, receiver.pid, "passed", sender.pid, evidence=["unix-channel", "no-kinship"])

    def test_passed_from_parent_to_child(self):
        """The child was there before the socket."""
        def body(stage):
            near, far = socket.socketpair()

            def child():
                near.close()
                for _ in range(5):
                    stage.keep(os.open("/dev/null", os.O_RDONLY))
                stage.keep(far)
                stage.report([os.getpid(), socket.recv_fds(far, 2, 1)[1]])

            fork_staying(stage, child)
            far.close()
            sock = stage.keep(listener(PORT))
            stage.keep(near)
            socket.send_fds(near, [b"it"], [sock.fileno()])

        parent, (child, [fd]) = actor(self, body)
        self.take()
        [row] = self.rows(protocol="tcp", state="LISTEN")
        self.assertEqual(self.owner(row, child)["fds"], [fd])
        self.check_origin(row, parent.pid, "creator")
        self.check_origin(row, child, "passed", parent.pid, evidence=["unix-channel", "other-fd"])

    def test_held_twice(self):
        def body(stage):
            sock = stage.keep(listener(PORT))
            stage.report([inode_of(sock), sorted([sock.fileno(), os.dup(sock.fileno()), os.dup(sock.fileno())])])

        process, (inode, fds) = actor(self, body)
        self.take()
        row = self.row(inode)
        self.check_held(row, {(process.pid, "fd", None): fds})
        self.assertIn(row["owners"][0]["origin"], ("creator", "unknown"))

    def test_activation(self):
        """As systemd does it: the activator listens, and the server finds the listener at fd 3 after an exec."""
        for keeps in (True, False):
            with self.subTest(activator_keeps=keeps):
                self.check_activation(keeps)

    def check_activation(self, keeps):
        def body(stage):
            for _ in range(5):  # so that the activator has it at another number
                stage.keep(os.open("/dev/null", os.O_RDONLY))
            sock = stage.keep(listener(PORT + keeps))
            started_read, started_write = os.pipe()
            server_in, write = os.pipe()
            server = os.fork()
            if server == 0:
                os.dup2(server_in, 0)
                os.dup2(started_write, 1)
                os.dup2(sock.fileno(), SD_LISTEN_FDS_START)
                os.closerange(SD_LISTEN_FDS_START + 1, 256)
                os.execve("/bin/cat", ["cat"], {"LISTEN_FDS": "1", "LISTEN_PID": str(os.getpid())})
            os.close(server_in)
            stage.keep(write)
            os.write(write, b"\n")
            assert os.read(started_read, 1) == b"\n"
            inode, fd = inode_of(sock), sock.fileno()
            if not keeps:
                sock.close()
            stage.report([inode, fd, server])

        activator, (inode, fd, server) = actor(self, body)
        self.take()
        row = self.row(inode)
        holders = {(server, "fd", None): [SD_LISTEN_FDS_START]}
        if keeps:
            holders[activator.pid, "fd", None] = [fd]
        self.check_held(row, holders)
        self.assertEqual(self.owner(row, server)["comm"], "cat")
        if keeps:
            self.check_origin(row, activator.pid, "creator")
            self.check_origin(row, server, "inherited", activator.pid, evidence=["activation", "ancestor-holds"])
        else:
            # Its first descriptor would have been 3 as well, had it made it.
            owner = self.owner(row, server)
            self.assertIn(owner["origin"], ("inherited", "unknown"), owner)
            self.assertIn(owner.get("inherited_from"), (None, by_id(activator.pid)), "nobody but its parent")

    def test_standard_streams(self):
        """As inetd does it: an accepted connection at fd 0, 1 and 2."""
        server = listener(PORT)
        self.addCleanup(server.close)
        client = socket.create_connection(("127.0.0.1", PORT))
        self.addCleanup(client.close)
        accepted, _ = server.accept()
        inode = inode_of(accepted)
        pid = os.fork()
        if pid == 0:
            for fd in (0, 1, 2):
                os.dup2(accepted.fileno(), fd)
            os.closerange(3, 256)
            os.execv("/bin/cat", ["cat"])
        life, write = os.pipe()
        os.close(life)
        self.child(sandbox.Child(pid, write))
        accepted.close()
        client.sendall(b"ready\n")
        self.assertEqual(client.recv(6), b"ready\n")
        self.take()
        row = self.row(inode)
        self.check_held(row, {(pid, "fd", None): [0, 1, 2]})
        self.assertIn(self.owner(row, pid)["origin"], ("inherited", "unknown"), "not its own making")

    def test_setuid_after_bind(self):
        def body(stage):
            sock = stage.keep(listener(443))
            os.setgroups([])
            os.setresgid(NOBODY_UID, NOBODY_UID, NOBODY_UID)
            os.setresuid(NOBODY_UID, NOBODY_UID, NOBODY_UID)
            stage.report([inode_of(sock), sock.fileno()])

        process, (inode, fd) = actor(self, body)
        self.take()
        [line] = self.tools.rows("ss", inode)
        self.assertNotIn("uid:", line, "ss leaves out a uid of 0")
        row = self.row(inode)
        self.check_held(row, {(process.pid, "fd", None): [fd]})
        self.assertEqual((row["uid"], row["user"]), (0, "root"))
        self.assertEqual(self.processes[process.pid]["uid"], NOBODY_UID)
        self.assertEqual(self.processes[process.pid]["user"], "nobody")
        self.assertEqual(self.processes[process.pid]["euid"], NOBODY_UID)

    def test_an_effective_uid_for_a_while(self):
        def body(stage):
            os.seteuid(NOBODY_UID)
            sock = stage.keep(listener(PORT))
            os.seteuid(0)
            stage.report(inode_of(sock))

        process, inode = actor(self, body)
        self.take()
        self.assertEqual((self.row(inode)["uid"], self.row(inode)["user"]), (NOBODY_UID, "nobody"))
        self.assertEqual((self.processes[process.pid]["uid"], self.processes[process.pid]["euid"]), (0, 0))


if __name__ == "__main__":
    sandbox.need("ss", "netstat", "lsof")
    sandbox.main(own_processes=True)
