"""Each rule of lint.py fires on a tree that breaks it, and none on one that does not."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

import lint

# A small tree that keeps the rules: a header of every layer, and code that looks like a breach but is none.
GOOD = {f"src/{layer}/x.h": "#pragma once\n" for layer in lint.MAY_INCLUDE} | {
    "src/main.cc": '#include "cli/x.h"\n#include "base/x.h"\nint main() { std::printf("usage"); }\n',
    "src/decode/good.cc": (
        '#include <charconv>\n#include "base/x.h"\n#include "decode/x.h"\n'
        "// Not by strtol, sscanf or reinterpret_cast: #include <linux/tcp.h>\n"
        "/* std::regex\n   #include <sched.h>\n*/\n"
        'const char* kText = "strtol(\\"x\\")"; const char* kRaw = R"(std::regex "atoi)"; char c = \'"\';\n'
        "int n = 1'000'000; // atoi\n"
        "int my_strtol_free = 0; int n2 = restoi;\n"),
    "src/capture/good.cc": '#include <linux/netlink.h>\n#include <sched.h>\n#include "archive/x.h"\n#include "decode/x.h"\n',
    "src/sandbox/good.cc": "#include <sys/prctl.h>\n",
    "src/render/good.cc": '#include "model/x.h"\n#include "analyze/x.h"\nvoid f() { std::snprintf(b, n, "x"); s.puts("y"); }\n',
    "src/pipeline/good.cc": "".join(f'#include "{layer}/x.h"\n'
                                    for layer in ("archive", "decode", "reconstruct", "base", "model")),
    "src/cli/good.cc": "".join(f'#include "{layer}/x.h"\n' for layer in lint.MAY_INCLUDE),
    "src/base/long.cc": "// Over 600 lines: one table, sorted by number.\n" + "\n" * 700,
    "src/base/hash.h": "#pragma once\nstd::unordered_map<int, int> m;\n",
    "tests/unit/good_test.cc": 'TEST_CASE("one case") {}\n',
    "tests/live/test_good.py": "def test_one(self):\n    pass\n",
    "docs/assurance.md": "`tests/unit/good_test.cc: one case`, `tests/live/test_good.py: test_one`, `src/base/x.h`, `ssnap verify`\n",
}

# (file, content, what the finding says); the line of the breach is the last of the content.
BAD = [
    ("src/base/bad.cc", '#include "model/x.h"\n', "base may not include model"),
    ("src/archive/bad.h", '#include "decode/x.h"\n', "archive may not include decode"),
    ("src/decode/bad.h", '\n#  include "archive/x.h"\n', "decode may not include archive"),
    ("src/decode/bad.h", '#include "model/x.h"\n', "decode may not include model"),
    ("src/model/bad.h", '#include "decode/x.h"\n', "model may not include decode"),
    ("src/sandbox/bad.h", '#include "capture/x.h"\n', "sandbox may not include capture"),
    ("src/capture/bad.cc", '#include "model/x.h"\n', "capture may not include model"),
    ("src/extract/bad.cc", '#include "capture/x.h"\n', "extract may not include capture"),
    ("src/reconstruct/bad.cc", '#include "archive/x.h"\n', "reconstruct may not include archive"),
    ("src/analyze/bad.cc", '#include "render/x.h"\n', "analyze may not include render"),
    ("src/render/bad.cc", '#include "reconstruct/x.h"\n', "render may not include reconstruct"),
    ("src/pipeline/bad.cc", '#include "capture/x.h"\n', "pipeline may not include capture"),
    ("src/pipeline/bad.cc", '#include <cli/x.h>\n', "pipeline may not include cli"),
    ("src/pipeline/deep/bad.cc", '#include "render/x.h"\n', "pipeline may not include render"),
    ("src/base/bad.cc", '#include "../model/x.h"\n', "by the path from src/"),
    ("src/base/bad.cc", '#include "base/absent.h"\n', "no such file"),
    ("src/other/bad.cc", "int x;", "other is no layer"),
    ("src/decode/bad.cc", "#include <linux/tcp.h>\n", "Linux's own"),
    ("src/base/bad.cc", "#include <sys/epoll.h>\n", "Linux's own"),
    ("src/base/bad.cc", "// x\n#include <sys/prctl.h>\n", "Linux's own"),
    ("src/cli/bad.cc", "#include <sched.h>\n", "Linux's own"),
    ("src/main.cc", '#include <sys/syscall.h>\n', "Linux's own"),
    ("src/decode/bad.cc", "auto p = reinterpret_cast<const int*>(s);\n", "reinterpret_cast"),
    ("src/decode/bad.cc", "int f = sscanf(s, x, &n);\n", "sscanf"),
    ("src/reconstruct/bad.cc", "std::unordered_map<int, int> m;\n", "std::unordered_map"),
    ("src/archive/bad.h", "#pragma once\nstd::unordered_multiset<int> s;\n", "std::unordered_multiset"),
    ("docs/assurance.md", "\n`tests/unit/absent_test.cc`\n", "no such file"),
    ("docs/assurance.md", "`tests/unit/good_test.cc: another case`\n", "has no case 'another case'"),
    ("docs/assurance.md", "`tests/live/test_good.py: test_two`\n", "has no case 'test_two'"),
    ("src/decode/bad.cc", "/* a */ long n = std::strtol(s, nullptr, 10);\n", "strtol"),
    ("src/decode/bad.cc", "auto n = strtoull(s, nullptr, 16);\n", "strtoull"),
    ("src/decode/bad.cc", "int n = atoi(s);\n", "atoi"),
    ("src/decode/bad.cc", "int n = std::stoi(s);\n", "stoi"),
    ("src/decode/bad.cc", "std::regex r(s);\n", "std::regex"),
    ("src/decode/bad.cc", "struct __attribute__((packed)) X {};\n", "packed"),
    ("src/decode/bad.cc", "int n = 1'000; char c = '\\''; int m = atoi(s); // '\n", "atoi"),
    ("src/decode/bad.cc", "#include <fstream>\n", "touches no file"),
    ("src/decode/bad.cc", "#include <cerrno>\n", "touches no file"),
    ("src/decode/bad.cc", "#include <unistd.h>\n", "touches no file"),
    ("src/model/bad.cc", "void f() { std::cerr << 1; }\n", "only the command line prints"),
    ("src/render/bad.cc", 'void f() { printf("x"); }\n', "only the command line prints"),
    ("src/capture/bad.cc", "void f() { ::fstat(fd, &status); }\n", "base::file_status"),
    ("src/capture/bad.cc", "void f() { ::fdopendir(fd); }\n", "capture::list_directory"),
    ("src/archive/bad.cc", "void f() { std::fprintf(stderr, s); }\n", "only the command line prints"),
    ("src/base/bad.cc", "\n" * 601, "over 600 lines"),
    ("tests/unit/bad.cc", "// Over 600 lines:\n" + "\n" * 600, "over 600 lines"),
    ("script/bad.py", "#\n" * 601, "over 600 lines"),
]


class LintTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        for name, content in GOOD.items():
            self.write(name, content)

    def write(self, name, content):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")

    def test_a_good_tree_has_no_finding(self):
        self.assertEqual(list(lint.check(self.root)), [])

    def test_each_breach_is_found_where_it_is(self):
        for name, content, message in BAD:
            with self.subTest(name=name, content=content[:60]):
                self.write(name, content)
                findings = list(lint.check(self.root))
                self.assertEqual([str(path.relative_to(self.root)) for path, _, _ in findings], [name])
                _, line, text = findings[0]
                self.assertIn(message, text)
                if line:
                    self.assertEqual(line, content.count("\n"))
                if name in GOOD:
                    self.write(name, GOOD[name])
                else:
                    (self.root / name).unlink()

    def test_a_tree_without_sources_is_a_finding(self):
        with tempfile.TemporaryDirectory() as empty:
            self.assertEqual([text for _, _, text in lint.check(empty)], ["there is no source to check"])

    def test_the_exit_code_tells(self):
        def exit_code():
            return subprocess.run([sys.executable, lint.__file__, self.root], capture_output=True).returncode

        self.assertEqual(exit_code(), 0)
        self.write("src/base/bad.cc", "#include <sched.h>\n")
        self.assertEqual(exit_code(), 1)


if __name__ == "__main__":
    unittest.main()
