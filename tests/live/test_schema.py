"""What `--format json` and ndjson print of a live capture is what docs/schema says, and the schema can say no."""

import copy
import json
import os

import jsonschema

from support import sandbox
from support.scene import make_scene
from support.ssnap import SOURCE_ROOT, analyze_json, capture, ssnap

# Fields that a consumer may rely on, and what is no value for them: the schema must refuse both kinds of damage.
SOCKET_DAMAGE = [("netns", "4026531840"), ("family", 2), ("protocol", None), ("state", 10), ("local", "127.0.0.1:80"),
                 ("owners", {}), ("sources", "inet_diag"), ("evidence", 7)]


class SchemaTest(sandbox.LiveTest):
    def setUp(self):
        super().setUp()
        with open(os.path.join(SOURCE_ROOT, "docs/schema/ssnap.schema.json"), encoding="utf-8") as file:
            self.schema = json.load(file)
        self.validator_class = jsonschema.validators.validator_for(self.schema)
        self.validator_class.check_schema(self.schema)
        make_scene(self)
        self.archive = self.path("a.tar.zst")
        capture(self, self.archive)
        self.snapshot = analyze_json(self, self.archive)

    def errors(self, document, definition=None):
        schema = self.schema
        if definition is not None:
            schema = {"$schema": self.schema["$schema"], "$defs": self.schema["$defs"], "$ref": f"#/$defs/{definition}"}
        return [f"{list(error.absolute_path)}: {error.message[:300]}"
                for error in self.validator_class(schema).iter_errors(document)]

    def test_json(self):
        self.assertEqual(self.errors(self.snapshot), [])
        for part in ("sockets", "processes", "namespaces"):
            self.assertTrue(self.snapshot[part], f"nothing to validate in {part}")

    def test_ndjson(self):
        run = ssnap("analyze", self.archive, "--format", "ndjson")
        self.assertEqual(run.returncode, 0, run.stderr)
        records = {}
        for number, line in enumerate(run.stdout.decode().splitlines(), 1):
            with self.subTest(line=number):
                record = json.loads(line)
                self.assertIn(record["type"], self.schema["$defs"])
                self.assertEqual(self.errors(record, record["type"]), [])
                records.setdefault(record.pop("type"), []).append(record)
        # The same things, in the same order, as in the one object.
        for kind, part in (("socket", "sockets"), ("process", "processes"), ("namespace", "namespaces"), ("gap", "gaps")):
            self.assertEqual(records.get(kind, []), self.snapshot[part])

    def test_findings(self):
        whole = analyze_json(self, self.archive, "--findings")
        self.assertEqual(self.errors(whole), [])
        self.assertTrue(whole["findings"])
        run = ssnap("analyze", self.archive, "--findings", "--format", "ndjson")
        for kind, part in (("finding", "findings"), ("rule", "rules")):
            records = [record for record in map(json.loads, run.stdout.splitlines()) if record["type"] == kind]
            for record in records:
                self.assertEqual(self.errors(record, kind), [])
                del record["type"]
            self.assertEqual(records, whole[part])
        for field in ("id", "severity", "sentence", "evidence"):
            damaged = copy.deepcopy(whole)
            del damaged["findings"][0][field]
            self.assertTrue(self.errors(damaged), f"a finding without {field} passes")

    def test_the_schema_can_say_no(self):
        listener = next(number for number, sock in enumerate(self.snapshot["sockets"])
                        if (sock["family"], sock["state"]) == ("inet", "LISTEN"))
        for field, value in SOCKET_DAMAGE:
            with self.subTest(field):
                damaged = copy.deepcopy(self.snapshot)
                damaged["sockets"][listener][field] = value
                self.assertTrue(self.errors(damaged), f"{field}: {value!r} passes")
                del damaged["sockets"][listener][field]
                self.assertTrue(self.errors(damaged), f"a socket without {field} passes")
        for part in ("sockets", "processes", "namespaces", "gaps", "host", "capture"):
            with self.subTest(part):
                damaged = dict(self.snapshot)
                del damaged[part]
                self.assertTrue(self.errors(damaged), f"an object without {part} passes")
        damaged = copy.deepcopy(self.snapshot)
        damaged["sockets"][listener]["cookie"] = 12
        self.assertTrue(self.errors(damaged), "a cookie is a string: it has 64 bits")


if __name__ == "__main__":
    sandbox.main()
