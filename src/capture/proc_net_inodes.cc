#include "capture/proc_net_inodes.h"

#include "base/text_cursor.h"

namespace ssnap::capture {
namespace {

// The longest rows, of UNIX sockets, end with a name of at most 108 bytes.
constexpr std::size_t kMaxLine = 4096;

}  // namespace

const std::vector<InodeTable>& inode_tables() {
  // "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000  0 4711 ...": tcp4_seq_show and others
  // "ffff88... 3  3  0003  2  1  0  0  4711": packet_seq_show
  // "ffff88...: 00000002 00000000 00010000 0001 01 4711 /run/x": unix_seq_show
  // "ffff88... 0  123  00000000 0  0  0  2  0  4711": netlink_native_seq_show
  static const std::vector<InodeTable> kTables{
      {"icmp", "", SocketKind::other, 9, -1},
      {"icmp6", "", SocketKind::other, 9, -1},
      {"netlink", "netlink_diag", SocketKind::other, 9, 2},
      {"packet", "packet_diag", SocketKind::mappable, 8, -1},
      {"raw", "inet_diag-raw4", SocketKind::other, 9, -1},
      {"raw6", "inet_diag-raw6", SocketKind::other, 9, -1},
      {"tcp", "inet_diag-tcp", SocketKind::mappable, 9, -1},
      {"tcp6", "inet_diag-tcp", SocketKind::mappable, 9, -1},
      {"udp", "inet_diag-udp4", SocketKind::other, 9, -1},
      {"udp6", "inet_diag-udp6", SocketKind::other, 9, -1},
      {"udplite", "inet_diag-udplite4", SocketKind::other, 9, -1},
      {"udplite6", "inet_diag-udplite6", SocketKind::other, 9, -1},
      {"unix", "unix_diag", SocketKind::local, 6, -1},
  };
  return kTables;
}

void InodeColumn::look(std::string_view piece) {
  for (std::size_t end = 0; (end = piece.find('\n')) != std::string_view::npos; piece.remove_prefix(end + 1)) {
    rest_ += piece.substr(0, end);
    look_at_line(rest_);
    rest_.clear();
  }
  if (rest_.size() + piece.size() <= kMaxLine) rest_ += piece;
}

void InodeColumn::look_at_line(std::string_view line) {
  base::TextCursor words(line);
  SocketKind kind = table_.kind;
  for (int column = 0; column <= table_.column; ++column) {
    const auto word = words.word();
    if (!word) return;
    if (column == table_.kernels_zero && *word == "0") kind = SocketKind::kernels;
    if (column != table_.column) continue;
    // The heading has a word there. 0: no socket any more (TIME_WAIT), or none yet.
    if (const auto inode = base::parse_integer<std::uint32_t>(*word); inode && *inode != 0) found_.push_back({*inode, kind});
  }
}

}  // namespace ssnap::capture
