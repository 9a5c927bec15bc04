#include "render/netstat.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <map>
#include <optional>

#include "render/escape.h"
#include "render/netstat_parts.h"
#include "render/words.h"

namespace ssnap::render {
namespace {

using model::ProcNetRow;
using model::Snapshot;
using model::Socket;
using model::View;
using netstat_parts::left;
using netstat_parts::right;

// Columns of an address without -W: the address is cut, the port is not.
constexpr std::size_t kAddressColumns = 22;
// How much of a service's name it keeps.
constexpr std::size_t kServiceBytes = 63;
// Of these a service keeps at most so many.
constexpr std::size_t kServiceColumns = kAddressColumns - 4;
// "PID/Program name", as netstat keeps it for each inode.
constexpr std::size_t kProgramBytes = 19;
// How much of /proc/PID/cmdline it reads.
constexpr std::size_t kCmdlineBytes = 511;
constexpr std::uint32_t kAcceptsConnections = 1u << 16;  // __SO_ACCEPTCON, flags of /proc/net/unix
constexpr std::uint32_t kWaitsForData = 1u << 17;
constexpr std::uint32_t kNoSpace = 1u << 18;
constexpr std::uint8_t kUnixUnconnected = 1;  // SS_UNCONNECTED

struct Table {
  std::string_view file;   // of /proc/net, IPv4
  View view, view6;
  std::string_view label;  // IPv4's; 6 is added
  bool NetstatOptions::*wanted;
};

// In the order in which netstat reads them; SCTP comes after TCP.
constexpr Table kTables[] = {
    {"tcp", View::proc_net_tcp, View::proc_net_tcp6, "tcp", &NetstatOptions::tcp},
    {"sctp", View::proc_net_sctp, View::proc_net_sctp, "sctp", &NetstatOptions::sctp},
    {"udp", View::proc_net_udp, View::proc_net_udp6, "udp", &NetstatOptions::udp},
    {"udplite", View::proc_net_udplite, View::proc_net_udplite6, "udpl", &NetstatOptions::udplite},
    {"raw", View::proc_net_raw, View::proc_net_raw6, "raw", &NetstatOptions::raw},
};

enum class Kind { tcp, udp, raw };

Kind kind_of(View view) {
  if (view == View::proc_net_tcp || view == View::proc_net_tcp6) return Kind::tcp;
  return view == View::proc_net_raw || view == View::proc_net_raw6 ? Kind::raw : Kind::udp;
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
  // Not to_chars(): its tables for floating point are a fortieth of the executable.
  std::snprintf(text, sizeof text, "%.2f", value);
  return text;
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
    // As its options do: a family alone means all its tables, a table alone both families, and nothing at all everything.
    const bool one_family = options.inet || options.inet6;
    const bool any_inet = options.tcp || options.udp || options.udplite || options.sctp || options.raw;
    all_inet_ = one_family && !any_inet;
    asked_ = any_inet || all_inet_ || options.groups || options.unix_sockets;
    if (!asked_) all_inet_ = true;
    inet_ = any_inet || all_inet_;
    unix_ = options.unix_sockets || !asked_;
    v4_ = options.inet || !one_family;
    v6_ = options.inet6 || !one_family;
    // Only what was asked for by name is missed.
    complains_ = asked_ && !all_inet_;
    const auto tables = snapshot.net_tables.find(netns);
    if (tables != snapshot.net_tables.end()) tables_ = &tables->second;
    // Of several names of one port the last counts: it puts each before those that it has read already.
    if (!options.numeric && !options.numeric_ports)
      for (const auto& service : snapshot.services) services_[{service.port, service.protocol}] = service.name;
  }

  NetstatAnswer run() {
    static const model::NetTables kNoTables;
    const model::NetTables& tables = tables_ != nullptr ? *tables_ : kNoTables;
    if (options_.statistics) netstat_parts::add_statistics(tables, options_, answer_);
    else if (options_.routes) netstat_parts::add_routes(tables, options_, answer_);
    else if (options_.interfaces) netstat_parts::add_interfaces(tables, options_, answer_);
    else sockets(tables);
    return std::move(answer_);
  }

 private:
  // In its order, until it misses a table that it was asked for.
  void sockets(const model::NetTables& tables) {
    if (inet_) {
      out_ += "Active Internet connections " + selection();
      out_ += "Proto Recv-Q Send-Q Local Address           Foreign Address         State      ";
      if (options_.extended > 0) out_ += " User       Inode     ";
      if (options_.programs) out_ += " PID/Program name    ";
      if (options_.timers) out_ += " Timer";
      out_ += '\n';
      for (const auto& table : kTables)
        if ((all_inet_ || options_.*table.wanted) && !inet_table(table, tables)) return;
    }
    if (options_.groups && !netstat_parts::add_groups(tables, v4_, v6_, complains_, answer_)) return;
    if (unix_) {
      out_ += "Active UNIX domain sockets " + selection();
      out_ += "Proto RefCnt Flags       Type       State         I-Node  ";
      if (options_.programs) out_ += " PID/Program name    ";
      out_ += " Path\n";
      if (!has_file("unix") && complains_) return miss("AF UNIX");
      for_each_row(View::proc_net_unix, [&](const ProcNetRow& row, const Socket& socket) { unix_row(row, socket); });
    }
    if (options_.explain) explain_whole();
  }

  bool inet_table(const Table& table, const model::NetTables& tables) {
    const bool is_sctp = table.view == View::proc_net_sctp;
    bool missing = false;
    if (is_sctp) {
      // Endpoints are servers to it. A file that is missing ends the answer before the next is opened.
      const bool endpoints = options_.all || options_.listening, associations = options_.all || !options_.listening;
      missing = v4_ && ((endpoints && !tables.sctp_endpoints) || (!endpoints && !tables.sctp_associations));
      if (v4_ && endpoints && tables.sctp_endpoints)
        for (const auto& row : *tables.sctp_endpoints) sctp_row(row, true);
      if (v4_ && !(missing && complains_) && associations && tables.sctp_associations)
        for (const auto& row : *tables.sctp_associations) sctp_row(row, false);
    } else {
      missing = v4_ && !has_file(table.file);
      const auto add = [&](View view, std::string_view version) {
        for_each_row(view, [&](const ProcNetRow& row, const Socket& socket) {
          inet_row(kind_of(view), std::string(table.label) + std::string(version), row, socket);
        });
      };
      if (v4_) add(table.view, "");
      if (v6_) add(table.view6, "6");
    }
    if (!missing || !complains_) return true;
    miss("AF INET (" + std::string(table.file) + ")");
    return false;
  }

  // Whether /proc/net had the file, by the account; without one, whether anything of it was read.
  bool has_file(std::string_view file) const {
    bool has_account = false;
    for (const auto& line : snapshot_.account) {
      if (line.netns != netns_) continue;
      has_account = true;
      if (line.listed && line.table == file) return true;
    }
    return !has_account && std::any_of(snapshot_.proc_net_rows.begin(), snapshot_.proc_net_rows.end(),
                                       [&](const ProcNetRow& row) { return row.netns == netns_; });
  }

  void miss(const std::string& what) { answer_.complaint = "netstat: no support for `" + what + "' on this system."; }

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

  void inet_row(Kind kind, const std::string& label, const ProcNetRow& row, const Socket& socket) {
    if (!options_.all) {
      // It takes a TCP socket without a remote port for a server, and any other one without a remote address.
      const bool server = kind == Kind::tcp ? socket.peer.port == 0 : socket.peer.address.is_any();
      if (server != options_.listening) return;
    }
    const bool raw = kind == Kind::raw;
    const std::uint16_t raw_protocol = raw && socket.details && socket.details->raw_protocol
                                           ? *socket.details->raw_protocol
                                           : std::uint16_t{0};
    const Address local = address(socket.local.address, raw ? raw_protocol : socket.local.port, kind);
    const Address peer = address(socket.peer.address, raw ? std::uint32_t{0} : socket.peer.port, kind);
    out_ += left(label, 5) + ' ' + right(std::to_string(row.recv_queue), 6) + ' ' +
            right(std::to_string(row.send_queue), 6) + ' ' + left(local.text, 23) + ' ' +
            left(peer.text, 23) + ' ' +
            left(raw ? std::to_string(row.state) : std::string(state_text(kind, row.state)), 11);
    const Program program = program_of(row.inode, &socket);
    end_of_row(row.uid, row.inode, program, timer_text(kind, row, snapshot_.host.clk_tck));
    ++answer_.rows;
    if (!options_.explain) return;
    if (local.cut) note("netstat cuts the local address: " + local.whole);
    if (peer.cut) note("netstat cuts the foreign address: " + peer.whole);
    if (options_.programs) explain_owners(socket, program);
  }

  // All addresses of both ends, one under the other; ports and the rest beside the first.
  void sctp_row(const model::SctpRow& row, bool endpoint) {
    const auto port = [&](std::uint16_t number) { return number == 0 ? std::string("*") : std::to_string(number); };
    const std::size_t lines = endpoint ? row.locals.size() : std::max(row.locals.size(), row.peers.size());
    for (std::size_t i = 0; i < lines; ++i) {
      if (i > 0) out_ += "\n                    ";
      else if (endpoint) out_ += "sctp                ";
      else out_ += "sctp  " + right(std::to_string(row.recv_queue), 6) + ' ' + right(std::to_string(row.send_queue), 6) + ' ';
      const auto end = [&](const std::vector<base::IpAddress>& addresses, std::uint16_t number) {
        if (i >= addresses.size()) return std::string();
        const std::string text = addresses[i].unmapped().to_string();
        return endpoint || i == 0 ? text + ':' + port(number) : text;
      };
      if (endpoint) out_ += left(end(row.locals, row.local_port), 47);
      else out_ += left(end(row.locals, row.local_port), 23) + ' ' + left(end(row.peers, row.peer_port), 23);
      std::string state(i == 0 ? state_text(Kind::tcp, static_cast<std::uint8_t>(std::min(row.state, 255u))) : "");
      if (i == 0 && row.state > model::kStateClosing) state = "UNKNOWN(" + std::to_string(row.state) + ')';
      out_ += ' ' + left(state, 11);
    }
    if (!by_inode_) {
      by_inode_.emplace();
      for (const Socket& socket : snapshot_.sockets)
        if (socket.netns == netns_ && socket.inode) by_inode_->emplace(*socket.inode, &socket);
    }
    const auto found = by_inode_->find(row.inode);
    const Socket* known = found == by_inode_->end() ? nullptr : found->second;
    const Program program = program_of(row.inode, known);
    end_of_row(row.uid, row.inode, program, "");
    if (options_.explain && options_.programs && known != nullptr) explain_owners(*known, program);
  }

  struct Program;
  void end_of_row(std::uint32_t uid, std::uint64_t inode, const Program& program, const std::string& timer) {
    if (options_.extended > 0) out_ += ' ' + left(user(uid), 10) + ' ' + left(std::to_string(inode), 10);
    if (options_.programs) out_ += ' ' + left(escape_tool(program.text), kProgramBytes + 1);
    if (options_.timers) out_ += ' ' + timer;
    out_ += '\n';
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
    const Program program = program_of(row.inode, &socket);
    ++answer_.rows;
    if (options_.programs) out_ += ' ' + left(escape_tool(program.text), kProgramBytes + 1);
    // It reads the path as one word.
    constexpr std::string_view kBlanks = " \t\n\v\f\r";
    const std::string_view whole = row.path;
    const auto begin = std::min(whole.find_first_not_of(kBlanks), whole.size());
    const auto word = whole.substr(begin, whole.find_first_of(kBlanks, begin) - begin);
    out_ += ' ' + escape_tool(word) + '\n';
    if (!options_.explain) return;
    if (word.size() != whole.size()) note("netstat ends the path at a blank: " + escape_terminal(whole));
    if (options_.programs) explain_owners(socket, program);
  }

  Address address(const base::IpAddress& ip, std::uint32_t port, Kind kind) const {
    Address out;
    const std::string host = ip.unmapped().to_string();
    const std::string service = service_name(port, kind);
    out.whole = host + ':' + service;
    out.cut = !options_.wide && host.size() + service.size() > kAddressColumns;
    out.text = out.whole;
    if (!out.cut) return out;
    const std::size_t kept = std::min(service.size(), kServiceColumns);
    out.text = host.substr(0, kAddressColumns - kept) + ':' + service.substr(0, kept);
    return out;
  }

  // "Ports" of raw sockets are IP protocols.
  std::string service_name(std::uint32_t port, Kind kind) const {
    if (port == 0) return "*";
    if (options_.numeric || options_.numeric_ports) return std::to_string(port);
    const std::string_view protocol = kind == Kind::tcp ? "tcp" : kind == Kind::udp ? "udp" : "raw";
    if (kind == Kind::raw) {
      const auto found = snapshot_.ip_protocols.find(port);
      if (found != snapshot_.ip_protocols.end()) return escape_tool(found->second.substr(0, kServiceBytes));
    }
    const auto service = services_.find({port, protocol});
    return service == services_.end() ? std::to_string(port) : escape_tool(service->second.substr(0, kServiceBytes));
  }

  std::string user(std::uint32_t uid) const {
    if (!options_.numeric && !options_.numeric_users) {
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
  Program program_of(std::uint64_t inode, const Socket* socket) const {
    Program program;
    if (inode == 0 || socket == nullptr) return program;
    for (const auto& owner : socket->owners) {
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
      note(std::string(why) + holders_phrase(snapshot_, same_way, program.owner != nullptr));
    }
    if (!other_way.empty())
      note("netstat reads the fd tables of processes only: " + holders_phrase(snapshot_, other_way, program.owner != nullptr));
    if (program.owner == nullptr && same_way.empty() && socket.ownerless_reason)
      note("no process: " + std::string(model::ownerless_name(socket.ownerless_reason->code)) +
           (socket.ownerless_reason->detail.empty()
                ? std::string()
                : ", " + escape_terminal(socket.ownerless_reason->detail)));
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
    if (!inet_ || !(v6 ? v6_ : v4_)) return false;
    switch (socket.protocol) {
      case model::kProtocolTcp:
        return all_inet_ || options_.tcp;
      case model::kProtocolUdp:
        return all_inet_ || options_.udp;
      case model::kProtocolUdplite:
        return all_inet_ || options_.udplite;
      case model::kProtocolSctp:
        return all_inet_ || options_.sctp;
      case model::kProtocolRaw:
        return all_inet_ || options_.raw;
      default:
        return false;
    }
  }

  const Snapshot& snapshot_;
  std::uint32_t netns_;
  const NetstatOptions& options_;
  bool all_inet_ = false, inet_ = false, unix_ = false, v4_ = false, v6_ = false, asked_ = false, complains_ = false;
  const model::NetTables* tables_ = nullptr;  // null: none were kept
  std::map<std::pair<std::uint32_t, std::string_view>, std::string_view> services_;  // by port and protocol
  std::optional<std::map<std::uint64_t, const Socket*>> by_inode_;  // made for the first row of SCTP
  NetstatAnswer answer_;
  std::string& out_ = answer_.output;
};

}  // namespace

NetstatAnswer render_netstat(const model::Snapshot& snapshot, std::uint32_t netns, const NetstatOptions& options) {
  return Netstat(snapshot, netns, options).run();
}

}  // namespace ssnap::render
