"""Who the holders are: what they run, as whom, since when, whose children, and in which container, pod or unit."""

import datetime
import os
import pwd
import re
import shutil
import subprocess
import time

from support import sandbox
from support.actors import actor, fork_staying, inode_of, listener, start_ticks, stat_of
from support.netns import mount, own_mounts
from support.owners import OwnersTest

PORT = 4001
NOBODY_UID = 65534
LOGIN_UID = 1000
NO_LOGIN = 0xFFFFFFFF
CAP_NET_BIND_SERVICE, CAP_NET_RAW = 10, 13
# /proc/stat rounds the boot time to a second: what start times are compared with.
ROUNDING_SECONDS = 1.1

DIGEST = "0123456789abcdef" * 4
POD = "74c13223-5a00-11e9-b385-42010a80018d"
# The cgroup's path, and what it says: (runtime, container), pod, unit, whether it is a user's.
HOMES = {
    f"docker/{DIGEST}": (("docker", DIGEST), None, None, False),
    f"system.slice/docker-{DIGEST}.scope": (("docker", DIGEST), None, f"docker-{DIGEST}.scope", False),
    f"machine.slice/libpod-{DIGEST}.scope": (("podman", DIGEST), None, f"libpod-{DIGEST}.scope", False),
    f"kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{POD.replace('-', '_')}.slice/cri-containerd-{DIGEST}.scope":
        (("containerd", DIGEST), POD, f"cri-containerd-{DIGEST}.scope", False),
    f"kubepods/besteffort/pod{POD}/crio-{DIGEST}": (("cri-o", DIGEST), POD, None, False),
    "lxc.payload.web": (("lxc", "web"), None, None, False),
    "machine.slice/systemd-nspawn@web.service/payload": (("systemd-nspawn", "web"), None, "systemd-nspawn@web.service", False),
    "system.slice/nginx.service": (None, None, "nginx.service", False),
    f"user.slice/user-{LOGIN_UID}.slice/user@{LOGIN_UID}.service/app.slice/foo.service": (None, None, "foo.service", True),
    f"user.slice/user-{LOGIN_UID}.slice/session-3.scope": (None, None, "session-3.scope", False),
    "plain": (None, None, None, False),
}


def held_by_program(stage, program, arguments, own_preparation=lambda: None):
    """In an actor: a child that runs `program` and holds a listener. `program` echoes what it reads. Reports
    [inode, pid]."""
    sock = stage.keep(listener(PORT))
    to_child, life = os.pipe()
    from_child, answer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.dup2(to_child, 0)
            os.dup2(answer, 1)
            os.set_inheritable(sock.fileno(), True)
            own_preparation()
            os.execve(program, arguments, {})
        finally:
            os._exit(1)
    stage.keep((life, from_child))
    os.write(life, b".\n")
    os.close(answer)
    assert os.read(from_child, 2) == b".\n", "the program did not start"
    stage.report([inode_of(sock), pid])


class WhoTest(OwnersTest):
    def test_a_deleted_executable(self):
        program = self.path("cat")
        shutil.copy("/bin/cat", program)
        _, (inode, pid) = actor(self, lambda stage: held_by_program(stage, program, ["cat"]))
        os.unlink(program)
        self.take()
        self.assertEqual(self.owner(self.row(inode), pid)["exe"], f"{program} (deleted)")
        self.assertIs(self.processes[pid]["exe_deleted"], True)
        self.assertNotIn("exe_memfd", self.processes[pid])
        self.assertNotIn("exe_deleted", self.processes[os.getpid()])

    def test_an_executable_in_memory_alone(self):
        def body(stage):
            fd = os.memfd_create("kworker")
            with open("/bin/cat", "rb") as source:
                os.write(fd, source.read())
            held_by_program(stage, fd, ["[kworker/0:0]"])

        _, (inode, pid) = actor(self, body)
        self.take()
        owner = self.owner(self.row(inode), pid)
        self.assertEqual((owner["exe"], owner["cmdline"]), ("/memfd:kworker (deleted)", ["[kworker/0:0]"]))
        process = self.processes[pid]
        self.assertIs(process["exe_memfd"], True)
        self.assertIs(process["kernel_thread"], False, "whatever it calls itself")

    def test_an_executable_of_another_mount_namespace(self):
        program = self.path("hidden/cat")
        os.mkdir(self.path("hidden"))

        def prepare():
            own_mounts()
            mount("tmpfs", self.path("hidden"), "tmpfs")
            shutil.copy("/bin/cat", program)

        _, (inode, pid) = actor(self, lambda stage: held_by_program(stage, program, ["cat"], prepare))
        self.assertFalse(os.path.exists(program))
        self.take()
        # As its own mount namespace has it, in which a chroot's folder comes before it.
        self.assertTrue(self.owner(self.row(inode), pid)["exe"].endswith(program))
        self.assertIs(self.processes[pid]["other_mount_namespace"], True)
        self.assertNotIn("exe_deleted", self.processes[pid])
        self.assertNotIn("other_mount_namespace", self.processes[os.getpid()])

    def test_uids_login_and_session(self):
        has_login = os.path.exists("/proc/self/loginuid")

        def body(stage):
            if has_login:
                with open("/proc/self/loginuid", "w", encoding="ascii") as file:
                    file.write(str(LOGIN_UID))
            os.setsid()
            sock = stage.keep(listener(PORT))
            inode = inode_of(sock)

            def child():
                os.setgroups([])
                os.setresgid(NOBODY_UID, NOBODY_UID, NOBODY_UID)
                os.setresuid(NOBODY_UID, 0, 0)
                stage.report([inode, os.getpid(), fork_staying(stage)])

            fork_staying(stage, child)

        leader, (inode, pid, grandchild) = actor(self, body)
        self.take()
        row = self.row(inode)
        self.assertEqual({owner["pid"] for owner in row["owners"]}, {leader.pid, pid, grandchild})
        for number, parents in ((leader.pid, [os.getpid()]), (pid, [leader.pid, os.getpid()]),
                                (grandchild, [pid, leader.pid, os.getpid()])):
            process = self.processes[number]
            self.assertEqual(process["ppid"], stat_of(number)[1])
            self.assertEqual(process["session"], leader.pid)
            self.assertEqual(process["parents"][:len(parents)], parents)
            if has_login:
                self.assertEqual(process["login_uid"], LOGIN_UID)
        nobody = pwd.getpwuid(NOBODY_UID).pw_name
        process = self.processes[grandchild]
        self.assertEqual((process["uid"], process["user"], process["euid"], process["effective_user"]),
                         (NOBODY_UID, nobody, 0, "root"))
        self.assertEqual((process["gid"], process["egid"]), (NOBODY_UID, NOBODY_UID))
        self.assertEqual((row["uid"], row["user"]), (0, "root"), "the socket's own is its maker's")
        with open("/proc/self/loginuid", encoding="ascii") as file:
            if has_login and int(file.read()) == NO_LOGIN:
                self.assertNotIn("login_uid", self.processes[os.getpid()], "none is not 4294967295")

    def test_capabilities(self):
        def body(stage):
            held_by_program(stage, "/usr/bin/setpriv", [
                "setpriv", "--bounding-set=-all,+net_bind_service,+net_raw", "--inh-caps=-all", "--", "/bin/cat"])

        _, (inode, pid) = actor(self, body)
        self.take()
        self.assertEqual(self.owner(self.row(inode), pid)["comm"], "cat")
        mask = 1 << CAP_NET_BIND_SERVICE | 1 << CAP_NET_RAW
        said = self.processes[pid]["capabilities"]
        for which in ("effective", "permitted", "bounding"):
            self.assertEqual(int(said[which], 16), mask, which)
        self.assertEqual(said["effective_names"], ["cap_net_bind_service", "cap_net_raw"])
        with open("/proc/self/status", encoding="utf-8", errors="replace") as file:
            own = re.search(r"(?m)^CapEff:\s*(\w+)$", file.read())[1]
        self.assertEqual(self.processes[os.getpid()]["capabilities"]["effective"], own)

    def test_start_time(self):
        before = time.time()
        process, inode = actor(self, lambda stage: stage.report(inode_of(stage.keep(listener(PORT)))))
        after = time.time()
        self.take()
        for record in (self.owner(self.row(inode), process.pid), self.processes[process.pid]):
            self.assertEqual(record["start_ticks"], start_ticks(process.pid))
            said = datetime.datetime.fromisoformat(record["start_time"].replace("Z", "+00:00")).timestamp()
            self.assertLess(before - ROUNDING_SECONDS, said)
            self.assertLess(said, after + ROUNDING_SECONDS)
        error = self.processes[process.pid]["start_time_error_nsec"]
        self.assertGreaterEqual(error, 10**9 // os.sysconf("SC_CLK_TCK"), "at least the tick that is rounded down")
        self.assertLess(error, 2 * 10**9)

    def test_containers_pods_and_units(self):
        hierarchies = self.hierarchies()
        self.assertTrue(hierarchies, "no cgroup hierarchy that may be written")
        made = {}
        for root in hierarchies:
            for home in HOMES:
                made[root, home] = self.start_in(os.path.join(root, home), PORT + len(made))
        self.take()
        for (root, home), (pid, inode) in made.items():
            with self.subTest(root=root, home=home):
                self.assertIn(pid, [owner["pid"] for owner in self.row(inode)["owners"]])
                self.check_home(self.processes[pid], home)

    def hierarchies(self):
        """A cgroup2 mount, and one of version 1 where there is one; in each a folder of this test's."""
        found = {}
        with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
            for line in file:
                words = line.split()
                kind = words[words.index("-") + 1]
                # cpuset's new groups have no processor: nothing may enter them.
                if kind in ("cgroup", "cgroup2") and "cpuset" not in line:
                    found.setdefault(kind, words[4])
        if not found:
            folder = self.path("cgroup2")
            os.mkdir(folder)
            mount("cgroup2", folder, "cgroup2")
            self.addCleanup(subprocess.run, ["umount", folder], check=True)
            found["cgroup2"] = folder
        roots = []
        for mount_point in found.values():
            root = os.path.join(mount_point, f"ssnap-test-{os.path.basename(self.folder)}")
            os.mkdir(root)
            self.addCleanup(self.remove, root)
            roots.append(root)
        return roots

    def remove(self, root):
        """A cgroup goes when nobody is in it, which may take until its last process is reaped."""
        for folder, _, _ in os.walk(root, topdown=False):
            sandbox.wait_until(lambda path=folder: removed(path), f"the end of {folder}")

    def start_in(self, path, port):
        os.makedirs(path)

        def body(stage):
            with open(os.path.join(path, "cgroup.procs"), "w", encoding="ascii") as file:
                file.write("0")
            stage.report(inode_of(stage.keep(listener(port))))

        process, inode = actor(self, body)
        return process.pid, inode

    def check_home(self, process, home):
        container, pod, unit, user_unit = HOMES[home]
        if container or unit:  # of several hierarchies the one that tells something is shown
            self.assertTrue(process["cgroup"].endswith(home), process["cgroup"])
        self.assertEqual(process.get("container"), container and {"runtime": container[0], "id": container[1]})
        self.assertEqual((process.get("pod_uid"), process.get("unit"), process.get("user_unit", False)), (pod, unit, user_unit))


def removed(path):
    try:
        os.rmdir(path)
    except OSError:
        return False
    return True


if __name__ == "__main__":
    sandbox.need("ss", "netstat", "lsof", "setpriv")
    sandbox.main(own_processes=True)
