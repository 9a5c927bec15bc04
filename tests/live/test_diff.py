"""ssnap diff: two captures around a change that is known show exactly that; noise is counted and not shown."""

import csv
import io
import json
import os
import shutil
import socket
import subprocess

import jsonschema
from support import sandbox
from support.netns import Netns, ip
from support.ssnap import SOURCE_ROOT, ssnap

NOBODY = 65534
LATER_PIDS = 7000


def load_schema(name):
    with open(os.path.join(SOURCE_ROOT, "docs/schema", name), encoding="utf-8") as file:
        return json.load(file)


def validator(name):
    """Of the schema's part NAME of diff.schema.json; "" is the whole."""
    store = {file: load_schema(file) for file in ("diff.schema.json", "ssnap.schema.json")}
    part = {"$ref": f"diff.schema.json#{name}"}
    return jsonschema.Draft202012Validator(part, resolver=jsonschema.RefResolver("", part, store=store))


def short(item):
    """What an item is about, in words that the tests know beforehand."""
    thing = item.get("new") or item["old"]
    kind = item["kind"]
    if kind in ("listener", "socket"):
        which = (thing["protocol"], thing["local"].get("port") or thing["local"].get("path"), thing["peer"].get("port") or None)
    elif kind == "process":
        which = thing["pid"]
    elif kind == "namespace":
        which = thing["inode"]
    elif kind == "interface":
        which = thing["name"]
    else:
        which = f"{thing['destination']}/{thing['prefix_length']}"
    return item["change"], kind, which


class DiffTest(sandbox.LiveTest):
    def setUp(self):
        super().setUp()
        self.server = self.listener(5001)
        self.captures = 0

    def listener(self, port):
        sock = socket.socket()
        self.addCleanup(sock.close)
        sock.bind(("127.0.0.1", port))
        sock.listen(64)
        return sock

    def connection(self):
        client = socket.create_connection(self.server.getsockname())
        self.addCleanup(client.close)
        accepted, _ = self.server.accept()
        self.addCleanup(accepted.close)
        return client, accepted

    def capture(self, *arguments):
        self.captures += 1
        path = self.path(f"{self.captures}.tar.zst")
        run = ssnap("capture", "-o", path, *arguments)
        self.assertEqual(run.returncode, 0, run.stderr)
        return path

    def diff(self, *arguments, exit_code=0):
        """The answer in JSON; the other forms say the same."""
        run = ssnap("diff", *arguments, "--format", "json")
        self.assertEqual(run.returncode, exit_code, run.stderr)
        answer = json.loads(run.stdout)
        validator("").validate(answer)
        lines = [json.loads(line) for line in ssnap("diff", *arguments, "--format", "ndjson").stdout.splitlines()]
        for line in lines:
            validator(f"/$defs/{line['type']}_line").validate(line)
        self.assertEqual([line for line in lines if line.pop("type") == "difference"], answer["differences"])
        rows = list(csv.DictReader(io.StringIO(ssnap("diff", *arguments, "--format", "csv").stdout.decode(), newline="")))
        self.assertEqual([(row["change"], row["kind"]) for row in rows],
                         [(item["change"], item["kind"]) for item in answer["differences"]])
        return answer

    def noise(self, answer):
        return {row["reason"]: row["count"] for row in answer["noise"]}

    def test_nothing(self):
        self.connection()
        path = self.capture()
        answer = self.diff(path, path, "--noise", "--exit-code")
        self.assertEqual((answer["differences"], answer["noise"], answer["notes"], answer["basis"]), ([], [], [], "same-boot"))
        run = ssnap("diff", path, path)
        self.assertEqual(run.returncode, 0)
        self.assertTrue(run.stdout.decode().endswith("\nNo differences.\n"))
        # Of two captures too: the collectors are no difference.
        again = self.capture()
        answer = self.diff(path, again, "--exit-code")
        self.assertEqual(answer["differences"], [])
        self.assertLessEqual(set(self.noise(answer)), {"collector", "passing"})
        self.assertGreaterEqual(self.noise(answer)["collector"], 2)
        with open(path, "rb") as file:
            run = ssnap("diff", "-", again, stdin=file)
        self.assertEqual((run.returncode, run.stdout), (0, ssnap("diff", path, again).stdout))

    def test_exactly_the_change(self):
        order, obey = os.pipe()
        answer_read, answer_write = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                os.close(obey)
                os.read(order, 1)
                os.setresuid(NOBODY, NOBODY, NOBODY)
                os.write(answer_write, b".")
                os.read(order, 1)
            finally:
                os._exit(0)
        os.close(order)
        self.child(sandbox.Child(pid, obey))
        client, accepted = self.connection()
        self.connection()
        port = client.getsockname()[1]
        old = self.capture()

        os.write(obey, b".")
        self.assertEqual(os.read(answer_read, 1), b".")
        for fd in (answer_read, answer_write):
            os.close(fd)
        new_listener = self.listener(5002)
        client.close()
        accepted.close()
        second_owner = self.child(sandbox.fork_holder([self.server.fileno()]))
        stranger = self.child(sandbox.exec_holder([new_listener.fileno()]))
        ip("link", "add", "left", "type", "veth", "peer", "name", "right")
        ip("address", "add", "127.0.0.77/8", "dev", "lo")
        ip("route", "add", "10.77.0.0/16", "dev", "lo")
        netns = Netns()
        self.addCleanup(netns.close)
        new = self.capture()

        answer = self.diff(old, new, exit_code=0)
        found = {short(item): item for item in answer["differences"]}
        self.assertEqual(len(found), len(answer["differences"]))
        self.assertEqual(set(found), {
            ("new", "listener", ("tcp", 5002, None)),
            ("changed", "listener", ("tcp", 5001, None)),
            ("gone", "socket", ("tcp", 5001, port)),
            ("gone", "socket", ("tcp", port, 5001)),
            ("changed", "process", pid),
            ("new", "process", stranger.pid),
            ("new", "namespace", netns.inode),
            ("new", "interface", "left"),
            ("new", "interface", "right"),
            ("changed", "interface", "lo"),
            ("new", "route", "10.77.0.0/16"),
        })
        gained = found["changed", "listener", ("tcp", 5001, None)]
        self.assertEqual([owner["pid"] for owner in gained["owners_gained"]], [second_owner.pid])
        self.assertNotIn("owners_lost", gained)
        fields = {field["field"]: (field.get("old"), field.get("new")) for field in found["changed", "process", pid]["fields"]}
        self.assertEqual((fields["uid"], fields["euid"]), (("0", str(NOBODY)),) * 2)
        self.assertEqual(set(fields), {"uid", "euid", "capabilities"})
        [address] = found["changed", "interface", "lo"]["fields"]
        self.assertEqual((address["field"], set(address["new"].split(", ")) - set(address["old"].split(", "))), ("addresses", {"127.0.0.77/8"}))
        self.assertEqual([item for item in answer["differences"] if "doubt" in item], [])
        # The other way round what is new is gone.
        turned = self.diff(new, old)
        self.assertTrue(turned["reversed"])
        swap = {"new": "gone", "gone": "new", "changed": "changed"}
        self.assertEqual({short(item) for item in turned["differences"]}, {(swap[change], kind, which) for change, kind, which in found})
        # For people, and for scripts.
        text = ssnap("diff", old, new).stdout.decode()
        self.assertRegex(text, r"(?m)^new +listener +\S+ +tcp LISTEN 127\.0\.0\.1:5002 ")
        self.assertIn("11 differences: 6 new, 3 changed, 2 gone." if len(found) == 11 else "differences", text)
        self.assertEqual(ssnap("diff", old, new, "--exit-code").returncode, 5)
        # Switches and FILTER choose sockets of either, and their holders.
        self.assertEqual({short(item)[:2] for item in self.diff(old, new, "-lt", "sport", "=", ":5002")["differences"]},
                         {("new", "listener"), ("new", "process")})
        self.assertEqual([short(item) for item in self.diff(old, new, "state", "established", "dport", "=", ":5001")["differences"]],
                         [("gone", "socket", ("tcp", port, 5001))])
        self.assertEqual(self.diff(old, new, "sport", "=", ":5003", "--exit-code")["differences"], [])
        inside = self.diff(old, new, "--netns", str(netns.inode))
        self.assertEqual({short(item) for item in inside["differences"]}, {("new", "namespace", netns.inode)})

    def test_reconnecting_clients_are_noise(self):
        before = [self.connection() for _ in range(50)]
        old = self.capture()
        for pair in before:
            for sock in pair:
                sock.close()
        after = [self.connection() for _ in range(50)]
        new = self.capture()
        answer = self.diff(old, new, "--exit-code")
        self.assertEqual(answer["differences"], [])
        self.assertEqual(self.noise(answer)["replaced"], 200)
        # One less is no replacement: both of its ends are gone.
        for sock in after[0]:
            sock.close()
        fewer = self.capture()
        self.assertEqual([item["change"] for item in self.diff(old, fewer, exit_code=0)["differences"]], ["gone", "gone"])
        listed = self.diff(old, new, "--noise")
        self.assertEqual(sum(item.get("noise") == "replaced" for item in listed["differences"]), 200)

    def reboot(self, archive):
        """The archive, unpacked, as if it had been taken after a reboot: another boot id, other pids and start times."""
        folder = self.path("rebooted")
        os.mkdir(folder)
        unpacked = subprocess.run(["zstd", "-dcq", archive], stdout=subprocess.PIPE, check=True)
        subprocess.run(["tar", "xf", "-", "-C", folder], input=unpacked.stdout, check=True)
        with open(os.path.join(folder, "capture.json"), encoding="utf-8") as file:
            info = json.load(file)
        info["host"]["boot_id"] = "11111111-2222-4333-8444-555555555555"
        info["collector"]["pid"] += LATER_PIDS
        with open(os.path.join(folder, "capture.json"), "w", encoding="utf-8") as file:
            json.dump(info, file)
        os.unlink(os.path.join(folder, "proc/sys/kernel/random/boot_id"))
        for name in os.listdir(os.path.join(folder, "proc")):
            if not name.isdigit():
                continue
            path = os.path.join(folder, "proc", name)
            with open(os.path.join(path, "stat"), "rb") as file:
                head, _, rest = file.read().rpartition(b") ")
            words = rest.split(b" ")
            words[19] = str(int(words[19]) + 12345).encode()  # field 22
            with open(os.path.join(path, "stat"), "wb") as file:
                file.write(head + b") " + b" ".join(words))
            os.rename(path, os.path.join(folder, "proc", str(int(name) + LATER_PIDS)))
        return folder

    def test_over_a_reboot_only_what_matters(self):
        self.connection()
        old = self.capture()
        rebooted = self.reboot(old)
        answer = self.diff(old, rebooted, "--exit-code")
        self.assertEqual((answer["differences"], answer["basis"]), ([], "other-boot"))
        shutil.rmtree(rebooted)
        # Another client's port, more of the same, and one listener.
        self.connection()
        self.child(sandbox.fork_holder([self.server.fileno()]))
        self.listener(5002)
        rebooted = self.reboot(self.capture())
        answer = self.diff(old, rebooted)
        self.assertEqual([short(item) for item in answer["differences"]], [("new", "listener", ("tcp", 5002, None))])
        text = ssnap("diff", old, rebooted).stdout.decode()
        self.assertIn("Another boot of this host.", text)

    def test_what_one_of_them_could_not_show(self):
        netns = Netns()
        self.addCleanup(netns.close)
        with netns.entered():
            inside = self.listener(80)
        old, new = self.capture("--netns", "self"), self.capture()
        found = {short(item): item.get("doubt") for item in self.diff(old, new)["differences"]}
        # That there is such a namespace, a descriptor of this process tells without a look into it.
        self.assertEqual(found, {("new", "listener", ("tcp", 80, None)): "OLD has no tcp table"})
        inside.close()
        with open(new, "rb") as file:
            whole = file.read()
        with open(self.path("cut"), "wb") as file:
            file.write(whole[:-1000])
        run = ssnap("diff", new, self.path("cut"))
        self.assertEqual(run.returncode, 3)
        self.assertIn(b"Not comparable: NEW is incomplete (not sealed)", run.stdout)


if __name__ == "__main__":
    sandbox.need("ip", "zstd", "tar")
    sandbox.main(own_processes=True)
