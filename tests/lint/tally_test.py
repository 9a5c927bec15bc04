"""script/tally.py decides what CI reports: it must not call a failure a success."""

import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

TALLY = pathlib.Path(__file__).resolve().parents[2] / "script" / "tally.py"

CATCH_GOOD = "All tests passed (52 assertions in 7 test cases)\n"
CATCH_BAD = "test cases:  7 |  5 passed | 2 failed\nassertions: 52 | 50 passed | 2 failed\n"
UNITTEST_GOOD = "....\n----\nRan 4 tests in 0.010s\n\nOK\n"
UNITTEST_SKIPS = "Ran 4 tests in 0.010s\n\nOK (skipped=1)\n"
UNITTEST_BAD = "Ran 5 tests in 0.010s\n\nFAILED (failures=1, errors=1)\n"


class TallyTest(unittest.TestCase):
    def tally(self, *logs):
        """Runs tally.py over logs given as lists of (result, stdout) or as text; returns (last line, exit code)."""
        with tempfile.TemporaryDirectory() as folder:
            paths = []
            for index, log in enumerate(logs):
                path = pathlib.Path(folder, f"{index}.json")
                if log is not None:
                    path.write_text(log if isinstance(log, str) else "".join(
                        json.dumps({"name": f"t{number}", "result": result, "stdout": output}) + "\n"
                        for number, (result, output) in enumerate(log)))
                paths.append(path)
            run = subprocess.run([sys.executable, TALLY, *paths], capture_output=True, text=True)
        return run.stdout.splitlines()[-1], run.returncode

    def test_counts(self):
        rows = [
            ([("OK", "")], "1 passed, 0 failed", 0),
            ([("OK", CATCH_GOOD)], "7 passed, 0 failed", 0),
            ([("OK", UNITTEST_GOOD), ("OK", "")], "5 passed, 0 failed", 0),
            ([("OK", UNITTEST_SKIPS)], "3 passed, 0 failed, 1 skipped", 0),
            ([("OK", ""), ("SKIP", "needs root")], "1 passed, 0 failed, 1 skipped", 0),
            ([("FAIL", CATCH_BAD)], "5 passed, 2 failed", 1),
            ([("FAIL", UNITTEST_BAD)], "3 passed, 2 failed", 1),
            ([("FAIL", ""), ("OK", "")], "1 passed, 1 failed", 1),
            ([("TIMEOUT", UNITTEST_GOOD)], "4 passed, 1 failed", 1),
            ([("ERROR", "")], "0 passed, 1 failed", 1),
            ([("INTERRUPT", "")], "0 passed, 1 failed", 1),
            ([("UNEXPECTEDPASS", "")], "0 passed, 1 failed", 1),
            # A program that counts failures but ends with 0.
            ([("OK", CATCH_BAD)], "5 passed, 2 failed", 1),
        ]
        for log, line, code in rows:
            with self.subTest(log=log):
                self.assertEqual(self.tally(log), (line, code))

    def test_logs_are_added(self):
        self.assertEqual(self.tally([("OK", CATCH_GOOD)], [("FAIL", "")]), ("7 passed, 1 failed", 1))

    def test_a_log_that_is_missing_empty_or_broken_is_a_failure(self):
        for log in (None, "", '{"name": "x", "resu'):
            with self.subTest(log=log):
                self.assertEqual(self.tally([("OK", "")], log), ("1 passed, 1 failed", 1))

    def test_only_skips_is_no_success(self):
        self.assertEqual(self.tally([("SKIP", "")]), ("0 passed, 1 failed, 1 skipped", 1))


if __name__ == "__main__":
    unittest.main()
