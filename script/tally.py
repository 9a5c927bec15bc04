"""Adds up Meson's test logs (one JSON object a line and test): prints what failed and what was skipped and why, then
`N passed, N failed[, N skipped]`. Exit code 0 only if something passed and nothing failed.

A test program that reports its own cases (Catch2, unittest) counts with each of them, any other as one.
"""

import json
import re
import sys

# The words Meson uses for a test that did what it should.
PASSED = {"OK", "EXPECTEDFAIL"}

# `All tests passed (52 assertions in 7 test cases)`, both versions of Catch2.
CATCH_ALL = re.compile(r"^All tests passed \(\d+ assertions? in (\d+) test cases?\)", re.M)
# `test cases: 7 | 5 passed | 2 failed`, the columns padded; skipped and "failed as expected" may follow.
CATCH_SOME = re.compile(r"^test cases:\s*(\d+)(.*)$", re.M)
UNITTEST_RAN = re.compile(r"^Ran (\d+) tests? in ", re.M)
UNITTEST_END = re.compile(r"^(?:OK|FAILED)(?: \((.*)\))?$", re.M)


def cases_of(output):
    """(passed, failed, skipped) as the program itself counted them, or None where it did not."""
    if match := CATCH_ALL.search(output):
        return int(match[1]), 0, 0
    if match := CATCH_SOME.search(output):
        words = {word: int(number) for number, word in re.findall(r"(\d+) (passed|failed|skipped)", match[2])}
        failed, skipped = words.get("failed", 0), words.get("skipped", 0)
        return int(match[1]) - failed - skipped, failed, skipped
    ran = UNITTEST_RAN.findall(output)
    ends = UNITTEST_END.findall(output)
    if ran and ends:
        words = {word: int(number) for word, number in re.findall(r"(\w[\w ]*)=(\d+)", ends[-1])}
        failed = words.get("failures", 0) + words.get("errors", 0) + words.get("unexpected successes", 0)
        skipped = words.get("skipped", 0)
        # An error outside of any test (a fixture of the class) is counted as an error but not as a test that ran.
        return max(int(ran[-1]) - failed - skipped, 0), failed, skipped
    return None


def count(test):
    """(passed, failed, skipped) of one line of the log. Meson's verdict on the program stands above the program's own."""
    output = test.get("stdout", "") + "\n" + test.get("stderr", "")
    result = test["result"]
    if result == "SKIP":
        return 0, 0, 1
    cases = cases_of(output)
    if result in PASSED:
        if cases is None:
            return 1, 0, 0
        passed, failed, skipped = cases
        # A program that counts failures and then says that all went well is itself at fault.
        return passed, failed, skipped
    if cases is None:
        return 0, 1, 0
    passed, failed, skipped = cases
    return passed, max(failed, 1), skipped


def reason(test):
    """The last line that a skipped test wrote: why."""
    lines = (test.get("stdout", "") + test.get("stderr", "")).strip().splitlines()
    return lines[-1] if lines else "no reason given"


def tally(logs):
    """Reads the logs; returns (totals, lines to print). A log that is missing or empty is a failure."""
    totals = [0, 0, 0]
    lines = []
    for path in logs:
        try:
            with open(path, encoding="utf-8", errors="replace") as file:
                tests = [json.loads(line) for line in file if line.strip()]
        except OSError as error:
            tests = []
            lines.append(f"FAIL     {path}: {error.strerror}: the tests did not run")
        except ValueError as error:
            tests = []
            lines.append(f"FAIL     {path}: {error}: the tests did not end")
        else:
            if not tests:
                lines.append(f"FAIL     {path}: it names no test")
        if not tests:
            totals[1] += 1
        for test in tests:
            passed, failed, skipped = count(test)
            for index, number in enumerate((passed, failed, skipped)):
                totals[index] += number
            if failed:
                lines.append(f"FAIL     {test['name']} ({test['result']}): {failed} failed")
            if skipped:
                lines.append(f"SKIPPED  {test['name']}: {skipped} skipped: {reason(test)}")
    return totals, lines


def main():
    (passed, failed, skipped), lines = tally(sys.argv[1:])
    if passed == 0 and failed == 0:
        failed = 1
        lines.append("FAIL     nothing was tested")
    for line in lines:
        print(line)
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return 0 if failed == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
