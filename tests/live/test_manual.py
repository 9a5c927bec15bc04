"""The manual page and the completions say what --help says: every command, every option, every choice."""

import re
import subprocess

from support import sandbox
from support.ssnap import ssnap


def run(test, *arguments):
    result = ssnap(*arguments)
    test.assertEqual((result.returncode, result.stderr), (0, b""), arguments)
    return result.stdout.decode()


class ManualTest(sandbox.LiveTest):
    def setUp(self):
        super().setUp()
        listed = run(self, "--help")
        self.commands = re.findall(r"^  ([a-z]+) +[a-z]", listed, re.M)
        self.assertIn("capture", self.commands)
        self.options = {}
        for command in self.commands:
            text = run(self, command, "--help")
            self.assertTrue(text.startswith(f"ssnap {command}: "), text)
            self.options[command] = re.findall(r"^  (?:-(\w) \[ )?--([\w-]+)", text, re.M)
            self.assertIn(("h", "help"), self.options[command])

    def test_manual_page(self):
        page = run(self, "man")
        self.assertTrue(page.startswith(".TH SSNAP 1 "))
        # A line that begins with a dot is one of these requests; text that does is escaped.
        self.assertLessEqual(set(re.findall(r"^\.(\S*)", page, re.M)), {"TH", "SH", "TP", "PP", "nf", "fi", "br", "B", "BR"})
        parts = {title: body for title, body in re.findall(r"^\.SH SSNAP ([A-Z]+)\n(.*?)(?=^\.SH )", page, re.M | re.S)}
        self.assertEqual(sorted(parts), sorted(command.upper() for command in self.commands))
        for command, options in self.options.items():
            for short, name in options:
                self.assertIn("\\-\\-" + name.replace("-", "\\-"), parts[command.upper()], command)
                if short:
                    self.assertIn(f"\\fB\\-{short}\\fR", parts[command.upper()], command)

    def test_bash(self):
        script = run(self, "completion", "bash")

        def complete(*words):
            program = script + "\nCOMP_WORDS=(\"$@\"); COMP_CWORD=$(($#-1)); _ssnap; printf '%s\\n' \"${COMPREPLY[@]}\"\n"
            shell = subprocess.run(["bash", "--norc", "-c", program, "bash", *words], capture_output=True, text=True, check=True)
            self.assertEqual(shell.stderr, "")
            return shell.stdout.split()

        self.assertEqual(complete("ssnap", "cap"), ["capture"])
        for command, options in self.options.items():
            self.assertIn(command, complete("ssnap", ""))
            self.assertEqual(sorted(complete("ssnap", command, "--")), sorted("--" + name for _, name in options))
        self.assertEqual(complete("ssnap", "capture", "--netns", ""), ["all", "self"])
        self.assertEqual(complete("ssnap", "analyze", "--format", "nd"), ["ndjson"])

    def test_zsh_and_fish(self):
        for shell, option in (("zsh", "'*--{}"), ("fish", "-l '{}'")):
            script = run(self, "completion", shell)
            for command, options in self.options.items():
                self.assertIn(command, script)
                for _, name in options:
                    self.assertIn(option.format(name), script)
            # Quotes are balanced: descriptions hold none of their own.
            for line in script.splitlines():
                self.assertEqual(line.count("'") % 2, 0, line)

    def test_another_shell(self):
        for arguments in ((), ("csh",), ("bash", "zsh")):
            result = ssnap("completion", *arguments)
            self.assertEqual(result.returncode, 2)
            self.assertIn(b"bash, zsh or fish", result.stderr)


if __name__ == "__main__":
    sandbox.main()
