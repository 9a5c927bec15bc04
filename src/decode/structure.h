// What the kernel's own code always does when it prints or dumps a table, whatever is in it. A hook that leaves sockets out
// of an answer has to cover the place where they were, and seldom gets all of this right. Checked on the raw bytes; a
// violation is no damage of the archive (its checksums tell that) but something between the kernel's table and the reader.
#pragma once

#include <string_view>

#include "base/byte_reader.h"
#include "base/problem.h"

namespace ssnap::decode {

// /proc/net/tcp and tcp6 (tcp4_seq_show, net/ipv4/tcp_ipv4.c; tcp6_seq_show): `sl` counts 0, 1, 2, ... without a gap.
// `tcp4`: besides, each row is padded to one width (seq_setwidth(seq, TMPSZ - 1), Linux 3.13 and later); longer ones are
// what longer numbers make them.
base::Problems check_proc_net_tcp_structure(std::string_view bytes, bool tcp4);

// A sock_diag dump (docs/format.md): in each datagram the messages tile it exactly, in each record the attributes tile it, no
// attribute comes twice, and type 0 only where that family has one. A record whose nlmsg_len was stretched over the next
// one shows it as an attribute of type 0.
base::Problems check_sock_diag_structure(std::string_view bytes);

}  // namespace ssnap::decode
