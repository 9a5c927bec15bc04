#include "decode/socket_inodes.h"

#include <algorithm>

#include "base/text_cursor.h"
#include "decode/sock_diag_dump.h"

namespace ssnap::decode {
namespace {

// The longest rows, of UNIX sockets, end with a name of at most 108 bytes.
constexpr std::size_t kMaxLine = 4096;

constexpr std::uint8_t kUnix = 1, kIn = 2, kIn6 = 10, kNetlink = 16, kPacket = 17;  // AF_*
constexpr std::size_t kInetInode = 68;  // struct inet_diag_msg, idiag_inode
constexpr int kInetColumn = 9, kStateColumn = 3, kTimerColumn = 5;
constexpr std::string_view kStat = "sockstat", kStat6 = "sockstat6";

// include/net/tcp_states.h, as /proc/net/tcp prints them; "03:" is the timer of TIME-WAIT (tcp_time_wait() leaves orphans in
// FIN-WAIT-2 there too).
constexpr std::string_view kSynRecv = "03", kTimeWait = "06", kNewSynRecv = "0C", kTimerTimeWait = "03:";
constexpr std::uint8_t kClose = 7;

}  // namespace

const std::vector<InodeTable>& inode_tables() {
  // "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000  0 4711 ...": tcp4_seq_show and others
  // "ffff88... 3  3  0003  2  1  0  0  4711": packet_seq_show
  // "ffff88...: 00000002 00000000 00010000 0001 01 4711 /run/x": unix_seq_show
  // "ffff88... 0  123  00000000 0  0  0  2  0  4711": netlink_native_seq_show
  static const std::vector<InodeTable> kTables{
      {"icmp", "", kIn, 0, kInetColumn, -1, false, "", ""},
      {"icmp6", "", kIn6, 0, kInetColumn, -1, false, "", ""},
      {"netlink", "netlink_diag", kNetlink, 16, 9, 2, false, "", ""},
      {"packet", "packet_diag", kPacket, 4, 8, -1, false, "", ""},
      {"raw", "inet_diag-raw4", kIn, kInetInode, kInetColumn, -1, false, kStat, "RAW:"},
      {"raw6", "inet_diag-raw6", kIn6, kInetInode, kInetColumn, -1, false, kStat6, "RAW6:"},
      {"tcp", "inet_diag-tcp", kIn, kInetInode, kInetColumn, -1, true, kStat, "TCP:"},
      {"tcp6", "inet_diag-tcp", kIn6, kInetInode, kInetColumn, -1, true, kStat6, "TCP6:"},
      {"udp", "inet_diag-udp4", kIn, kInetInode, kInetColumn, -1, false, kStat, "UDP:"},
      {"udp6", "inet_diag-udp6", kIn6, kInetInode, kInetColumn, -1, false, kStat6, "UDP6:"},
      {"udplite", "inet_diag-udplite4", kIn, kInetInode, kInetColumn, -1, false, kStat, "UDPLITE:"},
      {"udplite6", "inet_diag-udplite6", kIn6, kInetInode, kInetColumn, -1, false, kStat6, "UDPLITE6:"},
      {"unix", "unix_diag", kUnix, 4, 6, -1, false, "", ""},
  };
  return kTables;
}

const InodeTable* find_inode_table(std::string_view file) {
  for (const InodeTable& table : inode_tables())
    if (table.file == file) return &table;
  return nullptr;
}

void InodeColumn::look(std::string_view piece) {
  for (std::size_t end = 0; (end = piece.find('\n')) != std::string_view::npos; piece.remove_prefix(end + 1)) {
    if (rest_.empty()) {
      look_at_line(piece.substr(0, end));
      continue;
    }
    rest_ += piece.substr(0, end);
    look_at_line(rest_);
    rest_.clear();
  }
  if (rest_.size() + piece.size() <= kMaxLine) rest_ += piece;
}

void InodeColumn::look_at_line(std::string_view line) {
  base::TextCursor words(line);
  Row row;
  std::string_view state, timer;
  for (int column = 0; column <= table_.column; ++column) {
    const auto word = words.word();
    if (!word) return;
    if (column == kStateColumn) state = *word;
    if (column == kTimerColumn) timer = *word;
    if (column == table_.kernels_zero && *word == "0") row.kernels = true;
    if (column != table_.column) continue;
    const auto inode = base::parse_integer<std::uint32_t>(*word);
    if (!inode) return;  // the heading has a word there
    row.inode = *inode;
  }
  if (row.inode != 0) found_.push_back(row);
  const bool uncounted = table_.is_tcp && (state == kTimeWait || state == kNewSynRecv || timer.starts_with(kTimerTimeWait) ||
                                           (state == kSynRecv && row.inode == 0));
  counted_ += uncounted ? 0 : 1;
}

std::optional<std::uint32_t> inode_of_record(std::string_view payload, const InodeTable& table, base::ByteOrder order) {
  constexpr std::size_t kStateAt = 1;  // struct inet_diag_msg, idiag_state
  if (table.dump.empty() || payload.size() <= table.dump_at || static_cast<std::uint8_t>(payload[0]) != table.family) return {};
  if (table.is_tcp && static_cast<std::uint8_t>(payload[kStateAt]) == kClose) return {};
  const auto inode = base::ByteReader(payload.substr(table.dump_at), order).u32();
  return inode == 0u ? std::nullopt : inode;
}

std::optional<std::vector<std::uint32_t>> inodes_of_dump(std::string_view bytes, const InodeTable& table) {
  std::vector<std::uint32_t> inodes;
  SockDiagWalk walk;
  walk.on_request = [](const NetlinkMessage&, base::ByteOrder) {};
  walk.on_record = [&](const NetlinkMessage& record, base::ByteOrder order) {
    if (const auto inode = inode_of_record(record.payload, table, order)) inodes.push_back(*inode);
    return true;
  };
  DumpEnd end;
  base::Problems problems;
  walk_sock_diag_dump(bytes, walk, end, problems);
  if (!end.done || end.errno_number != 0) return std::nullopt;
  std::sort(inodes.begin(), inodes.end());
  inodes.erase(std::unique(inodes.begin(), inodes.end()), inodes.end());
  return inodes;
}

std::optional<std::uint64_t> find_counter(std::string_view file, std::string_view counter) {
  base::LineReader lines(file);
  while (const auto line = lines.next()) {
    base::TextCursor words(line->text);
    if (words.word() == counter && words.word() == "inuse") return words.decimal<std::uint64_t>();
  }
  return std::nullopt;
}

}  // namespace ssnap::decode
