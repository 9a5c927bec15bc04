// README.txt of every archive.
#pragma once

#include <string_view>

namespace ssnap::capture {

inline constexpr std::string_view kReadme =
    "This is a socket-state snapshot of a Linux host, taken by ssnap.\n"
    "\n"
    "Without ssnap: zstd -dc FILE | tar xf - unpacks it; sha256sum -c manifest-sha256.txt checks it.\n"
    "\n"
    "  capture.json         who captured which host, when, and how\n"
    "  proc/                host-wide files; proc/PID/ one folder a process: stat, status, cmdline, cgroup;\n"
    "                       links (exe, cwd, root, ns/*) and fds (every file descriptor) are lists of\n"
    "                       NUL-terminated records NAME MODE TARGET: tr '\\0' '\\n' < fds\n"
    "  netns/INODE/         one folder a network namespace: proc/net/* as read, netlink/passN/*.pcap the socket\n"
    "                       tables as the kernel dumped them (tcpdump -r, Wireshark); confirm/roundN/ both once more,\n"
    "                       where they disagreed\n"
    "  process-views/       listings of /proc as getdents64 gave them, counts and other views of the processes\n"
    "  sockprotonames/      protocols of sockets in fd tables that no dump showed; cgroup2-ids: ids of cgroups\n"
    "  exe-hashes/          SHA-256 of executables and the processes that ran them, where it was asked for\n"
    "  etc/                 what turns numbers into names\n"
    "  journal/             what was read when, and how each read ended: every gap is here\n"
    "  end.json             how the capture ended; if it is missing, the archive was cut\n"
    "  manifest-sha256.txt  SHA-256 of every file above\n";

}  // namespace ssnap::capture
