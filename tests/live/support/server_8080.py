"""A server that listens on 8080 and spawns a shell, which inherits the listener. Says so on standard output, as
`FD SHELL_PID`, and ends when standard input does."""

import socket
import subprocess
import sys

listener = socket.socket(socket.AF_INET6)
listener.bind(("::", 8080))
listener.listen(100)
listener.set_inheritable(True)
shell = subprocess.Popen(["/bin/sh", "-c", "echo ready; read line"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                         close_fds=False)
assert shell.stdout.readline() == b"ready\n"
print(listener.fileno(), shell.pid, flush=True)
sys.stdin.read()
shell.communicate()
