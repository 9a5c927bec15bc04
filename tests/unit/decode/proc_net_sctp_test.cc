// This kernel has no SCTP: the rows are made by hand after net/sctp/proc.c.
#include "decode/proc_net_sctp.h"

#include <sstream>

#include "support.h"

using namespace ssnap::decode;
using namespace ssnap::decode::test;

namespace {

const std::string kEndpoints =
    " ENDPT     SOCK   STY SST HBKT LPORT UID INODE LADDRS\n"
    "a1b2c3d4 00112233 2   10  29   5000   1000 16384 10.0.0.1 fe80:0000:0000:0000:0000:0000:0000:0001 \n"
    "       0        0 0   7   30   5001      0 16385 \n";
const std::string kAssociations =
    " ASSOC     SOCK   STY SST ST HBKT ASSOC-ID TX_QUEUE RX_QUEUE UID INODE LPORT RPORT LADDRS <-> RADDRS "
    "HBINT "
    "INS OUTS MAXRT T1X T2X RTXC wmema wmemq sndbuf rcvbuf\n"
    "6947dc99 7e08fe9b 2   1   3  0      60       11       12    1000 188897 12345 54321  127.0.0.1 10.0.0.1 "
    "<-> "
    "*127.0.0.2 10.0.0.2 \t   30000 65535 65535   10    0    0        0        1        0   212992   "
    "212992\n";

std::string summary(const std::vector<ssnap::base::IpAddress>& addresses) {
  std::string out;
  for (const auto& address : addresses) out += ' ' + address.to_string();
  return out;
}

std::string summary(const ProcNetSctpEndpoint& row) {
  std::ostringstream out;
  out << row.style << ' ' << row.state << ' ' << row.local_port << ' ' << row.uid << ' ' << row.inode
      << summary(row.locals);
  return out.str();
}

std::string summary(const ProcNetSctpAssociation& row) {
  std::ostringstream out;
  out << row.style << ' ' << row.socket_state << ' ' << row.state << ' ' << row.association_id << ' '
      << row.send_queue_bytes << ' ' << row.recv_queue_bytes << ' ' << row.uid << ' ' << row.inode << ' '
      << row.local_port << ' ' << row.peer_port << summary(row.locals) << " <->" << summary(row.peers);
  if (row.primary_peer) out << " primary " << row.primary_peer->to_string();
  return out.str();
}

const std::string kEndpoint = "2 10 5000 1000 16384 10.0.0.1 fe80::1";
const std::string kAssociation =
    "2 1 3 60 11 12 1000 188897 12345 54321 127.0.0.1 10.0.0.1 <-> 127.0.0.2 10.0.0.2 primary 127.0.0.2";

}  // namespace

TEST_CASE("/proc/net/sctp/eps") {
  const auto decoded = decode_proc_net_sctp_eps(kEndpoints);
  CHECK(decoded.problems.empty());
  REQUIRE(decoded.rows.size() == 2);
  CHECK(summary(decoded.rows[0]) == kEndpoint);
  CHECK(summary(decoded.rows[1]) == "0 7 5001 0 16385");
}

TEST_CASE("/proc/net/sctp/assocs") {
  const auto decoded = decode_proc_net_sctp_assocs(kAssociations);
  CHECK(decoded.problems.empty());
  REQUIRE(decoded.rows.size() == 1);
  CHECK(summary(decoded.rows[0]) == kAssociation);
  // Red Hat 6 ends at RTXC, and a row may have no column after the addresses at all.
  const auto old = decode_proc_net_sctp_assocs(
      "a b 2 1 4 1205 963 0 0 200 273361167 11567 11166 10.0.0.1 <-> *10.0.0.2\n");
  CHECK(old.problems.empty());
  CHECK(summary(old.rows.at(0)) ==
        "2 1 4 963 0 0 200 273361167 11567 11166 10.0.0.1 <-> 10.0.0.2 primary 10.0.0.2");
}

TEST_CASE("each corrupted column of /proc/net/sctp") {
  struct Row {
    const char* what;
    std::string from, to;
    std::string problem;
  };
  for (const Row& row : {
           Row{"style", " 2   10", " x   10",
               "expected STY, a decimal number, found 1 byte (78); row skipped"},
           Row{"state", " 10  29", " x   29",
               "expected SST, a decimal number, found 1 byte (78); row skipped"},
           Row{"port", "5000", "65536",
               "expected LPORT, a decimal number, found 5 bytes (36 35 35 33 36); row skipped"},
           Row{"uid", "1000", "x", "expected UID, a decimal number, found 1 byte (78); row skipped"},
           Row{"inode", "16384", "-1",
               "expected INODE, a decimal number, found 2 bytes (2d 31); row skipped"},
           Row{"address", "10.0.0.1", "10.0.0.256",
               "expected an address, found 10 bytes (31 30 2e 30 2e 30 2e 32 35 36); row skipped"},
           Row{"address, three numbers", "10.0.0.1", "10.0.0",
               "expected an address, found 6 bytes (31 30 2e 30 2e 30); row skipped"},
           Row{"address, five numbers", "10.0.0.1", "1.2.3.4.5",
               "expected an address, found 9 bytes (31 2e 32 2e 33 2e 34 2e 35); row skipped"},
           Row{"IPv6 address", "fe80:0000", "fe80-0000",
               "expected an address, found 39 bytes (66 65 38 30 2d 30 30 30 30 3a 30 30 30 30 3a 30 ...); "
               "row "
               "skipped"},
           Row{"short IPv6 address", "fe80:0000:", "",
               "expected an address, found 29 bytes (30 30 30 30 3a 30 30 30 30 3a 30 30 30 30 3a 30 ...); "
               "row "
               "skipped"},
       }) {
    INFO(row.what);
    const auto decoded = decode_proc_net_sctp_eps(replaced(kEndpoints, row.from, row.to));
    CHECK(first_message(decoded.problems) == row.problem);
    REQUIRE(decoded.rows.size() == 1);
    CHECK(decoded.rows[0].local_port == 5001);
  }
  for (const Row& row : {
           Row{"socket state", " 1   3", " x   3",
               "expected SST, a decimal number, found 1 byte (78); row skipped"},
           Row{"state", "   3  0", "   x  0",
               "expected ST, a decimal number, found 1 byte (78); row skipped"},
           Row{"id", " 60 ", " x ", "expected ASSOC-ID, a decimal number, found 1 byte (78); row skipped"},
           Row{"sent", " 11 ", " x ", "expected TX_QUEUE, a decimal number, found 1 byte (78); row skipped"},
           Row{"received", " 12 ", " x ",
               "expected RX_QUEUE, a decimal number, found 1 byte (78); row skipped"},
           Row{"remote port", "54321", "99999",
               "expected RPORT, a decimal number, found 5 bytes (39 39 39 39 39); row skipped"},
           Row{"local", "127.0.0.1", "127.0.0.x",
               "expected an address, found 9 bytes (31 32 37 2e 30 2e 30 2e 78); row skipped"},
           Row{"peer", "*127.0.0.2", "**127.0.0.2",
               "expected an address, found 11 bytes (2a 2a 31 32 37 2e 30 2e 30 2e 32); row skipped"},
       }) {
    INFO(row.what);
    const std::string good = kAssociations.substr(kAssociations.find('\n') + 1);
    const auto decoded = decode_proc_net_sctp_assocs(replaced(good, row.from, row.to) + good);
    CHECK(first_message(decoded.problems) == row.problem);
    REQUIRE(decoded.rows.size() == 1);
    CHECK(summary(decoded.rows[0]) == kAssociation);
  }
  const auto cut = decode_proc_net_sctp_assocs("a b 2 1 4 1205 963 0 0 200 273361167 11567 11166 10.0.0.1\n");
  CHECK(cut.rows.empty());
  CHECK(first_message(cut.problems) == "expected <-> between the addresses, found nothing; row skipped");
}

TEST_CASE("every prefix of /proc/net/sctp") {
  const auto words = [](const auto& row) { return summary(row); };
  check_text_prefixes(kEndpoints, decode_proc_net_sctp_eps, words);
  check_text_prefixes(kAssociations, decode_proc_net_sctp_assocs, words);
}
