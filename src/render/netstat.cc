#include "render/netstat.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "render/escape.h"
#include "render/words.h"

namespace ssnap::render {
namespace {

using model::ProcNetRow;
using model::Snapshot;
using model::Socket;
using model::View;

// Columns of an address without -W: the address is cut, the port is not.
constexpr std::size_t kAddressColumns = 22;
// "PID/Program name", as netstat keeps it for each inode.
constexpr std::size_t kProgramBytes = 19;
// How much of /proc/PID/cmdline it reads.
constexpr std::size_t kCmdlineBytes = 511;
constexpr std::uint32_t kAcceptsConnections = 1u << 16;  // __SO_ACCEPTCON, flags of /proc/net/unix
constexpr std::uint32_t kWaitsForData = 1u << 17;
constexpr std::uint32_t kNoSpace = 1u << 18;
constexpr std::uint8_t kUnixUnconnected = 1;  // SS_UNCONNECTED

struct Table {
  View view;
  std::string_view label;
  bool NetstatOptions::*wanted;
  bool NetstatOptions::*version;
};

// In the order in which netstat reads them.
constexpr Table kTables[] = {
    {View::proc_net_tcp, "tcp", &NetstatOptions::tcp, &NetstatOptions::inet},
    {View::proc_net_tcp6, "tcp6", &NetstatOptions::tcp, &NetstatOptions::inet6},
    {View::proc_net_udp, "udp", &NetstatOptions::udp, &NetstatOptions::inet},
    {View::proc_net_udp6, "udp6", &NetstatOptions::udp, &NetstatOptions::inet6},
    {View::proc_net_udplite, "udpl", &NetstatOptions::udplite, &NetstatOptions::inet},
    {View::proc_net_udplite6, "udpl6", &NetstatOptions::udplite, &NetstatOptions::inet6},
    {View::proc_net_raw, "raw", &NetstatOptions::raw, &NetstatOptions::inet},
    {View::proc_net_raw6, "raw6", &NetstatOptions::raw, &NetstatOptions::inet6},
};

enum class Kind { tcp, udp, raw };

Kind kind_of(View view) {
  if (view == View::proc_net_tcp || view == View::proc_net_tcp6) return Kind::tcp;
  return view == View::proc_net_raw || view == View::proc_net_raw6 ? Kind::raw : Kind::udp;
}

// printf's %-Ns and %Ns count bytes, and so must this.
std::string left(std::string text, std::size_t bytes) {
  if (text.size() < bytes) text.append(bytes - text.size(), ' ');
  return text;
}
std::string right(const std::string& text, std::size_t bytes) {
  return text.size() < bytes ? std::string(bytes - text.size(), ' ') + text : text;
}

std::string_view state_text(Kind kind, std::uint8_t state) {
  static constexpr std::array<std::string_view, 12> kTcp{"",           "ESTABLISHED", "SYN_SENT",  "SYN_RECV",
                                                         "FIN_WAIT1",  "FIN_WAIT2",   "TIME_WAIT", "CLOSE",
                                                         "CLOSE_WAIT", "LAST_ACK",    "LISTEN",    "CLOSING"};
  // A later state than it knows it reads past its table's end: there is nothing to imitate.
  if (kind == Kind::tcp) return state < kTcp.size() ? kTcp[state] : "UNKNOWN";
  return state == model::kStateEstab ? "ESTABLISHED" : state == model::kStateUnconn ? "" : "UNKNOWN";
}

// Seconds with two digits, of ticks.
std::string seconds(std::uint64_t ticks, std::int64_t per_second) {
  char text[64];
  const double value =
      static_cast<double>(ticks) / static_cast<double>(std::max<std::int64_t>(per_second, 1));
  const auto end = std::to_chars(text, text + sizeof text, value, std::chars_format::fixed, 2);
  return std::string(text, end.ptr);
}

std::string timer_text(Kind kind, const ProcNetRow& row, std::int64_t clk_tck) {
  // For UDP it drops the count of retransmissions, and outside TCP it takes the tick to be 10 ms.
  const auto tail = '/' + std::to_string(kind == Kind::udp ? 0 : row.retransmits) + '/' +
                    std::to_string(static_cast<std::int32_t>(row.timeout)) + ')';
  if (row.timer == 0) return "off (0.00" + tail;
  const auto number = std::to_string(row.timer);
  static constexpr std::string_view kTcp[] = {"off", "on", "keepalive", "timewait", "probe"};
  std::string name = "unkn-" + number;
  if (kind == Kind::tcp && row.timer < std::size(kTcp)) name = kTcp[row.timer];
  if (kind != Kind::tcp && row.timer <= 2) name = "on" + number;
  return name + " (" + seconds(row.timer_expires_ticks, kind == Kind::tcp ? clk_tck : 100) + tail;
}

struct Address {
  std::string text;
  bool cut = false;
  std::string whole;
};

class Netstat {
 public:
  Netstat(const Snapshot& snapshot, std::uint32_t netns, const NetstatOptions& options)
      : snapshot_(snapshot), netns_(netns), options_(options) {
    // As its options do: a family alone means all its tables, and no table at all means every one.
    const bool any_inet = options.tcp || options.udp || options.udplite || options.raw;
    const bool one_version = !(options.inet && options.inet6);
    all_inet_ = !any_inet && (one_version || !options.unix_sockets);
    inet_ = any_inet || all_inet_;
    unix_ = options.unix_sockets || (!any_inet && !one_version);
  }

  std::uint64_t rows() const { return rows_; }

  std::string run() {
    if (inet_) {
      out_ += "Active Internet connections " + selection();
      out_ += "Proto Recv-Q Send-Q Local Address           Foreign Address         State      ";
      if (options_.extended) out_ += " User       Inode     ";
      if (options_.programs) out_ += " PID/Program name    ";
      if (options_.timers) out_ += " Timer";
      out_ += '\n';
      for (const auto& table : kTables) {
        if ((!all_inet_ && !(options_.*table.wanted)) || !(options_.*table.version)) continue;
        for_each_row(table.view,
                     [&](const ProcNetRow& row, const Socket& socket) { inet_row(table, row, socket); });
      }
    }
    if (unix_) {
      out_ += "Active UNIX domain sockets " + selection();
      out_ += "Proto RefCnt Flags       Type       State         I-Node  ";
      if (options_.programs) out_ += " PID/Program name    ";
      out_ += " Path\n";
      for_each_row(View::proc_net_unix,
                   [&](const ProcNetRow& row, const Socket& socket) { unix_row(row, socket); });
    }
    if (options_.explain) explain_whole();
    return std::move(out_);
  }

 private:
  std::string selection() const {
    if (options_.all) return "(servers and established)\n";
    return options_.listening ? "(only servers)\n" : "(w/o servers)\n";
  }

  bool is_selected(std::size_t socket) const {
    return options_.selected == nullptr || (*options_.selected)[socket];
  }

  template <class Visit>
  void for_each_row(View view, Visit&& visit) {
    for (const auto& row : snapshot_.proc_net_rows)
      if (row.view == view && row.netns == netns_ && row.socket < snapshot_.sockets.size() && is_selected(row.socket))
        visit(row, snapshot_.sockets[row.socket]);
  }

  void inet_row(const Table& table, const ProcNetRow& row, const Socket& socket) {
    const Kind kind = kind_of(table.view);
    if (!options_.all) {
      // It takes a TCP socket without a remote port for a server, and any other one without a remote address.
      const bool server = kind == Kind::tcp ? socket.peer.port == 0 : socket.peer.address.is_any();
      if (server != options_.listening) return;
    }
    const bool raw = kind == Kind::raw;
    const std::uint16_t raw_protocol = raw && socket.details && socket.details->raw_protocol
                                           ? *socket.details->raw_protocol
                                           : std::uint16_t{0};
    const Address local = address(socket.local.address, raw ? raw_protocol : socket.local.port);
    const Address peer = address(socket.peer.address, raw ? std::uint32_t{0} : socket.peer.port);
    out_ += left(std::string(table.label), 5) + ' ' + right(std::to_string(row.recv_queue), 6) + ' ' +
            right(std::to_string(row.send_queue), 6) + ' ' + left(local.text, 23) + ' ' +
            left(peer.text, 23) + ' ' +
            left(raw ? std::to_string(row.state) : std::string(state_text(kind, row.state)), 11);
    if (options_.extended) out_ += ' ' + left(user(row.uid), 10) + ' ' + left(std::to_string(row.inode), 10);
    const Program program = program_of(row, socket);
    if (options_.programs) out_ += ' ' + left(escape_tool(program.text), kProgramBytes + 1);
    if (options_.timers) out_ += ' ' + timer_text(kind, row, snapshot_.host.clk_tck);
    out_ += '\n';
    ++rows_;
    if (!options_.explain) return;
    if (local.cut) note("netstat cuts the local address: " + local.whole);
    if (peer.cut) note("netstat cuts the foreign address: " + peer.whole);
    if (options_.programs) explain_owners(socket, program);
  }

  void unix_row(const ProcNetRow& row, const Socket& socket) {
    const bool accepts = (row.flags & kAcceptsConnections) != 0;
    const bool server = row.state == kUnixUnconnected && accepts;
    if (!options_.all && server != options_.listening) return;
    std::string flags = "[ ";
    if (accepts) flags += "ACC ";
    if ((row.flags & kWaitsForData) != 0) flags += "W ";
    if ((row.flags & kNoSpace) != 0) flags += "N ";
    flags += ']';
    static constexpr std::string_view kTypes[] = {"UNKNOWN", "STREAM", "DGRAM", "RAW", "RDM", "SEQPACKET"};
    static constexpr std::string_view kStates[] = {"FREE", "", "CONNECTING", "CONNECTED", "DISCONNECTING"};
    const auto type = socket.protocol < std::size(kTypes) ? kTypes[socket.protocol] : kTypes[0];
    const auto state = server ? "LISTENING" : row.state < std::size(kStates) ? kStates[row.state] : "UNKNOWN";
    out_ += "unix  " + left(std::to_string(row.ref_count), 6) + ' ' + left(flags, 11) + ' ' +
            left(std::string(type), 10) + ' ' + left(std::string(state), 13) + ' ' +
            left(std::to_string(row.inode), 8);
    const Program program = program_of(row, socket);
    if (options_.programs) out_ += ' ' + left(escape_tool(program.text), kProgramBytes + 1);
    // It reads the path as one word.
    constexpr std::string_view kBlanks = " \t\n\v\f\r";
    const std::string_view whole = row.path;
    const auto begin = std::min(whole.find_first_not_of(kBlanks), whole.size());
    const auto word = whole.substr(begin, whole.find_first_of(kBlanks, begin) - begin);
    out_ += ' ' + escape_tool(word) + '\n';
    ++rows_;
    if (!options_.explain) return;
    if (word.size() != whole.size()) note("netstat ends the path at a blank: " + escape_terminal(whole));
    if (options_.programs) explain_owners(socket, program);
  }

  Address address(const base::IpAddress& ip, std::uint32_t port) const {
    Address out;
    const std::string host = ip.unmapped().to_string();
    const std::string service = port == 0 ? "*" : std::to_string(port);
    out.whole = host + ':' + service;
    out.cut = host.size() + service.size() > kAddressColumns;
    out.text = out.cut ? host.substr(0, kAddressColumns - service.size()) + ':' + service : out.whole;
    return out;
  }

  std::string user(std::uint32_t uid) const {
    if (!options_.numeric) {
      const auto found = snapshot_.users.find(uid);
      if (found != snapshot_.users.end()) return escape_tool(found->second);
    }
    return std::to_string(static_cast<std::int32_t>(uid));
  }

  struct Program {
    std::string text = "-";
    std::string whole;  // before it was cut
    const model::Owner* owner = nullptr;
  };

  // The first process, by pid, whose fd table holds the inode and whose command line could be read.
  Program program_of(const ProcNetRow& row, const Socket& socket) const {
    Program program;
    if (row.inode == 0) return program;
    for (const auto& owner : socket.owners) {
      if (owner.via != model::Via::fd || owner.certainty != model::Certainty::certain) continue;
      if (owner.process >= snapshot_.processes.size()) continue;
      const auto& process = snapshot_.processes[owner.process];
      if (!process.cmdline) continue;
      if (program.owner != nullptr && snapshot_.processes[program.owner->process].pid <= process.pid)
        continue;
      program.owner = &owner;
      program.whole = std::to_string(process.pid) + '/' + program_name(*process.cmdline);
    }
    if (program.owner != nullptr) program.text = program.whole.substr(0, kProgramBytes);
    return program;
  }

  static std::string program_name(const std::vector<std::string>& cmdline) {
    if (cmdline.empty()) return "";
    const auto name = cmdline.front().substr(0, kCmdlineBytes);
    return name.starts_with('/') ? name.substr(name.rfind('/') + 1) : name;
  }

  // About the whole answer, not about the row above.
  void remark(const std::string& text) { out_ += text + '\n'; }

  void note(const std::string& sentence) { out_ += "  └ " + sentence + '\n'; }

  void explain_owners(const Socket& socket, const Program& program) {
    if (program.owner != nullptr && program.whole.size() > kProgramBytes)
      note("netstat cuts the name at " + std::to_string(kProgramBytes) +
           " characters: " + escape_terminal(program.whole));
    std::vector<const model::Owner*> same_way, other_way;
    for (const auto& owner : socket.owners) {
      if (&owner == program.owner) continue;
      const bool fd = owner.via == model::Via::fd && owner.certainty == model::Certainty::certain;
      (fd ? same_way : other_way).push_back(&owner);
    }
    if (!same_way.empty()) {
      const std::string_view why = program.owner != nullptr
                                       ? "netstat stops at the first process of an inode: "
                                       : "netstat could not read the command line of its process: ";
      note(std::string(why) + holders(same_way, program.owner != nullptr ? " it too" : " it"));
    }
    if (!other_way.empty())
      note("netstat reads the fd tables of processes only: " + holders(other_way, " it too"));
    if (program.owner == nullptr && same_way.empty() && socket.ownerless_reason)
      note("no process: " + std::string(model::ownerless_name(socket.ownerless_reason->code)) +
           (socket.ownerless_reason->detail.empty()
                ? std::string()
                : ", " + escape_terminal(socket.ownerless_reason->detail)));
  }

  // "sh[81] holds it too (fd 38, inherited from 80)"; "a[1] (fd 3), b[2] (fd 4) and 90 more hold it too".
  std::string holders(const std::vector<const model::Owner*>& owners, std::string_view it) const {
    const auto label = [&](const model::Owner& owner) {
      const std::string_view doubt = owner.certainty == model::Certainty::possible   ? "possibly "
                                     : owner.certainty == model::Certainty::probable ? "probably "
                                                                                     : "";
      return std::string(doubt) + process_label(snapshot_, owner.process);
    };
    const auto how = [&](const model::Owner& owner) { return " (" + holding_phrase(snapshot_, owner) + ')'; };
    if (owners.size() == 1) return label(*owners[0]) + " holds" + std::string(it) + how(*owners[0]);
    std::string out;
    const std::size_t named = std::min(owners.size(), kMaxNamed);
    for (std::size_t i = 0; i < named; ++i) {
      if (i != 0) out += i + 1 == owners.size() ? " and " : ", ";
      out += label(*owners[i]) + how(*owners[i]);
    }
    if (named < owners.size()) out += " and " + std::to_string(owners.size() - named) + " more";
    return out + " hold" + std::string(it);
  }

  // Sockets of the tables shown for which /proc/net has no row at all.
  void explain_whole() {
    std::vector<bool> has_row(snapshot_.sockets.size());
    for (const auto& row : snapshot_.proc_net_rows)
      if (row.socket < has_row.size()) has_row[row.socket] = true;
    std::uint64_t inactive = 0, others = 0;
    for (std::size_t i = 0; i < has_row.size(); ++i) {
      const Socket& socket = snapshot_.sockets[i];
      if (has_row[i] || socket.netns != netns_ || !in_tables(socket) || !is_selected(i)) continue;
      ++(socket.state == model::kStateBoundInactive ? inactive : others);
    }
    // -l would not show them if it could.
    if (inactive != 0 && (options_.all || !options_.listening))
      remark("netstat can't show " + count(inactive, "socket") + " that " + (inactive == 1 ? "is" : "are") +
           " bound but neither listening nor connected: /proc/net has no row for " +
           (inactive == 1 ? "it" : "them"));
    if (others != 0)
      remark("netstat can't show " + count(others, "socket") +
           " that /proc/net had no row for when it was read");
  }

  bool in_tables(const Socket& socket) const {
    if (socket.family == model::kFamilyUnix) return unix_;
    const bool v6 = socket.family == model::kFamilyInet6;
    if (!v6 && socket.family != model::kFamilyInet) return false;
    if (!inet_ || !(v6 ? options_.inet6 : options_.inet)) return false;
    switch (socket.protocol) {
      case model::kProtocolTcp:
        return all_inet_ || options_.tcp;
      case model::kProtocolUdp:
        return all_inet_ || options_.udp;
      case model::kProtocolUdplite:
        return all_inet_ || options_.udplite;
      case model::kProtocolRaw:
        return all_inet_ || options_.raw;
      default:
        return false;
    }
  }

  const Snapshot& snapshot_;
  std::uint32_t netns_;
  const NetstatOptions& options_;
  bool all_inet_ = false, inet_ = false, unix_ = false;
  std::string out_;
  std::uint64_t rows_ = 0;
};

}  // namespace

std::string render_netstat(const model::Snapshot& snapshot, std::uint32_t netns,
                           const NetstatOptions& options, std::uint64_t* rows) {
  Netstat netstat(snapshot, netns, options);
  std::string text = netstat.run();
  if (rows != nullptr) *rows += netstat.rows();
  return text;
}

}  // namespace ssnap::render
