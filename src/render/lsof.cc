#include "render/lsof.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "render/escape.h"
#include "render/words.h"

namespace ssnap::render {
namespace {

using model::ProcNetRow;
using model::Snapshot;
using model::Socket;
using model::View;

// Characters of a command, as printed, without +c.
constexpr std::size_t kCommandColumns = 9;
// A login name is kept in a field of utmp's length.
constexpr std::size_t kLoginBytes = 32;
// A user without a name: right-aligned in as many columns, and cut.
constexpr std::size_t kNumericUserColumns = 8;
constexpr std::uint32_t kAcceptsConnections = 1u << 16;  // __SO_ACCEPTCON, flags of /proc/net/unix

// In the order in which lsof looks for an inode: the first table that has it tells what it is.
constexpr View kTables[] = {View::proc_net_unix, View::proc_net_tcp6, View::proc_net_udp6, View::proc_net_udplite6,
                            View::proc_net_tcp,  View::proc_net_udp,  View::proc_net_udplite};

bool is_v6_view(View view) {
  return view == View::proc_net_tcp6 || view == View::proc_net_udp6 || view == View::proc_net_udplite6;
}

std::string_view protocol_of(View view) {
  switch (view) {
    case View::proc_net_tcp:
    case View::proc_net_tcp6: return "TCP";
    case View::proc_net_udp:
    case View::proc_net_udp6: return "UDP";
    default: return "UDPLITE";
  }
}

// Its forms of what can't be printed: \n and the like, ^[, \\, \x7f.
std::string escape_byte(char c) {
  const auto byte = static_cast<unsigned char>(c);
  constexpr std::string_view kNamed = "\b\f\n\r\t\\", kLetters = "bfnrt\\";
  if (const auto at = kNamed.find(c); at != std::string_view::npos) return std::string("\\") + kLetters[at];
  if (byte < 0x20) return std::string("^") + static_cast<char>(byte + 0x40);
  char text[8];
  std::snprintf(text, sizeof text, "\\x%02x", byte);
  return text;
}

bool is_printable(char c) { return c >= ' ' && c <= '~' && c != '\\'; }

// How long it takes a command to be: of the bytes from 0x80 on it counts two columns and prints four.
std::size_t measure(std::string_view command) {
  std::size_t columns = 0;
  for (const char c : command) {
    const auto byte = static_cast<unsigned char>(c);
    columns += is_printable(c) && c != ' ' ? 1 : byte < 0x20 || byte >= 0x80 || c == '\\' ? 2 : 4;
  }
  return columns;
}

// As many whole characters as fit.
std::string fit(std::string_view command, std::size_t columns) {
  std::string out;
  for (const char c : command) {
    const std::string piece = is_printable(c) && c != ' ' ? std::string(1, c) : escape_byte(c);
    if (out.size() + piece.size() > columns) break;
    out += piece;
  }
  out.resize(columns, ' ');
  return out;
}

std::string escape_name(std::string_view name) {
  std::string out;
  for (const char c : name) out += is_printable(c) ? std::string(1, c) : escape_byte(c);
  return out;
}

// The name of each process, as lsof has it. It ends a name at the bracket that balances the one before it; where none does
// it leaves the process out (nullopt). A name of no bytes is that of the process before, which is still in its buffer.
std::vector<std::optional<std::string>> commands_of(const Snapshot& snapshot) {
  std::vector<std::optional<std::string>> commands;
  std::string last;
  for (const auto& process : snapshot.processes) {
    const std::string& comm = process.comm;
    int open = 1;
    std::size_t end = 0;
    for (; end < comm.size() && open != 0; ++end) open += comm[end] == '(' ? 1 : comm[end] == ')' ? -1 : 0;
    if (open == 0) --end;
    if (open > 1) {
      commands.emplace_back();
      last.clear();
      continue;
    }
    if (end != 0) last = comm.substr(0, end);
    commands.emplace_back(last.empty() ? "(unknown)" : last);
  }
  return commands;
}

std::string left(std::string text, std::size_t columns) {
  if (text.size() < columns) text.append(columns - text.size(), ' ');
  return text;
}
std::string right(std::string text, std::size_t columns) {
  if (text.size() < columns) text.insert(0, columns - text.size(), ' ');
  return text;
}

struct Line {
  const Socket* socket = nullptr;
  std::uint32_t process = 0, fd_number = 0;
  std::string command;
  // The columns, as printed.
  std::string pid, user, fd, type, device, node, name;
  std::vector<std::string> notes;
};

class Lsof {
 public:
  Lsof(const Snapshot& snapshot, std::uint32_t netns, const LsofOptions& options)
      : snapshot_(snapshot), netns_(netns), options_(options) {
    inet_ = options.tcp || options.udp || options.ipv4 || options.ipv6 || !options.unix_sockets;
  }

  std::uint64_t rows() const { return lines_.size(); }

  std::string run() {
    collect();
    std::sort(lines_.begin(), lines_.end(), [&](const Line& a, const Line& b) {
      const auto key = [&](const Line& line) { return std::pair(snapshot_.processes[line.process].pid, line.fd_number); };
      return key(a) < key(b);
    });
    if (!lines_.empty()) print();
    if (options_.explain) explain_whole();
    return std::move(out_);
  }

 private:
  void collect() {
    const auto commands = commands_of(snapshot_);
    std::set<std::uint64_t> known;
    for (const View view : kTables)
      for (const ProcNetRow& row : snapshot_.proc_net_rows) {
        if (row.view != view || row.netns != netns_ || row.inode == 0 || row.socket >= snapshot_.sockets.size()) continue;
        if (!known.insert(row.inode).second) continue;
        const Socket& socket = snapshot_.sockets[row.socket];
        if (!is_selected(row, socket) || !matches_filter(row.socket)) continue;
        for (const auto& owner : socket.owners) {
          if (owner.via != model::Via::fd || owner.certainty != model::Certainty::certain || owner.process >= snapshot_.processes.size())
            continue;
          const auto& command = commands[owner.process];
          if (!command) {
            nameless_.insert(owner.process);
            continue;
          }
          for (const std::uint32_t fd : owner.fds) lines_.push_back(line(row, socket, owner.process, *command, fd));
        }
      }
  }

  // The address by which it takes a socket for IPv4: both, or the one that isn't any.
  static bool is_v4(const ProcNetRow& row, const Socket& socket) {
    return !is_v6_view(row.view) || socket.local.address.is_v4_mapped() || socket.peer.address.is_v4_mapped();
  }

  bool matches_filter(std::size_t socket) const { return options_.selected == nullptr || (*options_.selected)[socket]; }

  bool is_selected(const ProcNetRow& row, const Socket& socket) const {
    if (row.view == View::proc_net_unix) return options_.unix_sockets;
    if (!inet_) return false;
    const bool by_protocol = options_.tcp || options_.udp;
    const std::string_view protocol = protocol_of(row.view);
    if (by_protocol && !(options_.tcp && protocol == "TCP") && !(options_.udp && protocol == "UDP")) return false;
    if (options_.ipv4 == options_.ipv6) return true;
    // -i4 asks for the table, -i4TCP for the addresses.
    const bool v4 = by_protocol ? is_v4(row, socket) : !is_v6_view(row.view);
    return v4 == options_.ipv4;
  }

  Line line(const ProcNetRow& row, const Socket& socket, std::uint32_t process_index, const std::string& command, std::uint32_t fd) const {
    const model::Process& process = snapshot_.processes[process_index];
    Line out;
    out.socket = &socket;
    out.process = process_index;
    out.fd_number = fd;
    out.command = command;
    out.pid = std::to_string(process.pid);
    out.user = user(process);
    // Every socket is open for reading and writing.
    out.fd = (fd < 10000 ? right(std::to_string(fd), 4) : '*' + std::string(3 - std::to_string(fd % 1000).size(), '0') + std::to_string(fd % 1000)) + 'u';
    if (row.view == View::proc_net_unix) {
      out.type = "unix";
      out.device = pointer(row);
      out.node = std::to_string(row.inode);
      constexpr std::string_view kEnds = " \t\n\v\f\r:";
      const std::size_t begin = std::min(row.path.find_first_not_of(kEnds), row.path.size());
      const std::string path = row.path.substr(begin, row.path.find_first_of(kEnds, begin) - begin);
      out.name = escape_name(path) + (path.empty() ? "" : " ") + "type=" + unix_type(socket.protocol) + " (" + unix_state(row) + ')';
      if (path != row.path) out.notes.push_back("lsof ends the path at a blank or a colon: " + escape_terminal(row.path));
      return out;
    }
    out.type = is_v6_view(row.view) ? "IPv6" : "IPv4";
    out.device = std::to_string(row.inode);
    out.node = protocol_of(row.view);
    out.name = addresses(row, socket);
    if (out.node != "TCP") out.name += out.name.empty() ? "" : " ";
    else out.name += (out.name.empty() ? "(" : " (") + tcp_state(row.state) + ')';
    return out;
  }

  std::string user(const model::Process& process) const {
    const auto uid = process.euid ? process.euid : process.uid;
    if (!uid) return "?";
    const auto found = snapshot_.users.find(*uid);
    if (found != snapshot_.users.end()) return escape_tool(found->second.substr(0, kLoginBytes));
    return right(std::to_string(*uid).substr(0, kNumericUserColumns), kNumericUserColumns);
  }

  static std::string pointer(const ProcNetRow& row) {
    if (row.pointer_digits == 0) return "0x(____ptrval____)";
    char text[40];
    std::snprintf(text, sizeof text, "0x%0*llx", static_cast<int>(row.pointer_digits), static_cast<unsigned long long>(row.pointer));
    return text;
  }

  static std::string unix_type(std::uint16_t type) {
    static constexpr std::array<std::string_view, 7> kTypes{"unknown", "STREAM", "DGRAM", "RAW", "RDM", "SEQPACKET", "DCCP"};
    return std::string(type < kTypes.size() ? kTypes[type] : type == 10 ? "PACKET" : kTypes[0]);
  }

  static std::string unix_state(const ProcNetRow& row) {
    if (row.flags == kAcceptsConnections) return "LISTEN";
    static constexpr std::array<std::string_view, 5> kStates{"UNKNOWN", "UNCONNECTED", "CONNECTING", "CONNECTED", "DISCONNECTING"};
    return std::string(row.state < kStates.size() ? kStates[row.state] : kStates[0]);
  }

  static std::string tcp_state(std::uint8_t state) {
    static constexpr std::array<std::string_view, 12> kStates{"CLOSED",    "ESTABLISHED", "SYN_SENT",   "SYN_RECV",
                                                              "FIN_WAIT1", "FIN_WAIT2",   "TIME_WAIT",  "CLOSE",
                                                              "CLOSE_WAIT", "LAST_ACK",   "LISTEN",     "CLOSING"};
    return state < kStates.size() ? std::string(kStates[state]) : "UNKNOWN_TCP_STATE_" + std::to_string(state);
  }

  // LOCAL->PEER, each only where it is anything at all.
  static std::string addresses(const ProcNetRow& row, const Socket& socket) {
    const bool v4 = is_v4(row, socket);
    const auto end = [&](const model::Endpoint& endpoint) {
      const base::IpAddress address = v4 ? endpoint.address.unmapped() : endpoint.address;
      const std::string host = address.is_any() ? "*" : address.is_v6() ? '[' + address.to_string() + ']' : address.to_string();
      return host + ':' + (endpoint.port == 0 ? "*" : std::to_string(endpoint.port));
    };
    const auto is_set = [](const model::Endpoint& endpoint) { return !endpoint.address.is_any() || endpoint.port != 0; };
    std::string out;
    if (is_set(socket.local)) out += end(socket.local);
    if (is_set(socket.peer)) out += "->" + end(socket.peer);
    return out;
  }

  void print() {
    // No wider than the widest of a column, its title included.
    std::size_t command = 7, pid = 3, user = 4, fd = 2, type = 4, device = 6, node = 4;
    for (const Line& line : lines_) {
      command = std::max(command, std::min(measure(line.command), kCommandColumns));
      pid = std::max(pid, line.pid.size());
      user = std::max(user, line.user.size());
      fd = std::max(fd, line.fd.size() + 1);  // and a lock, which sockets never have
      type = std::max(type, line.type.size());
      device = std::max(device, line.device.size());
      node = std::max(node, line.node.size());
    }
    out_ += left("COMMAND", command) + ' ' + right("PID", pid) + ' ' + right("USER", user) + ' ' + right("FD", fd - 2) + "   " +
            right("TYPE", type) + ' ' + right("DEVICE", device) + " SIZE/OFF " + right("NODE", node) + " NAME\n";
    std::optional<std::uint32_t> last;
    std::set<const Socket*> explained;
    for (const Line& line : lines_) {
      out_ += fit(line.command, command) + ' ' + right(line.pid, pid) + ' ' + right(line.user, user) + ' ' + right(line.fd, fd - 1) +
              "  " + right(line.type, type) + ' ' + right(line.device, device) + "      0t0 " + right(line.node, node) + ' ' + line.name + '\n';
      if (!options_.explain) continue;
      // Once a process, once a socket.
      const std::string& comm = snapshot_.processes[line.process].comm;
      if (last != line.process && (measure(line.command) > command || line.command != comm))
        note("lsof cuts the name of the process: " + escape_terminal(comm));
      last = line.process;
      for (const auto& text : line.notes) note(text);
      if (!explained.insert(line.socket).second) continue;
      if (const std::string others = other_holders(*line.socket); !others.empty())
        note("lsof reads the fd tables of processes only: " + others + " too");
    }
  }

  void note(const std::string& text) { out_ += "  └ " + text + '\n'; }
  void remark(const std::string& text) { out_ += text + '\n'; }

  // Who holds it in a way that lsof doesn't see; "" for nobody.
  std::string other_holders(const Socket& socket) const {
    std::string out;
    std::size_t named = 0;
    for (const auto& owner : socket.owners) {
      if (owner.via == model::Via::fd && owner.certainty == model::Certainty::certain) continue;
      if (++named <= kMaxNamed) out += (out.empty() ? "" : ", ") + owner_phrase(snapshot_, owner);
    }
    if (named > kMaxNamed) out += " and " + std::to_string(named - kMaxNamed) + " more";
    return out.empty() ? out : "held by " + out;
  }

  // What was asked for and is in no row, and why.
  void explain_whole() {
    std::set<const Socket*> shown;
    for (const Line& line : lines_) shown.insert(line.socket);
    std::vector<bool> has_row(snapshot_.sockets.size());
    for (const auto& row : snapshot_.proc_net_rows)
      if (row.socket < has_row.size()) has_row[row.socket] = true;
    std::map<std::string, std::uint64_t> reasons;
    std::vector<std::string> otherwise;
    for (std::size_t i = 0; i < snapshot_.sockets.size(); ++i) {
      const Socket& socket = snapshot_.sockets[i];
      if (socket.netns != netns_ || shown.count(&socket) != 0 || !is_asked_for(socket) || !matches_filter(i)) continue;
      const bool held = std::any_of(socket.owners.begin(), socket.owners.end(), [](const auto& owner) {
        return owner.via == model::Via::fd && owner.certainty == model::Certainty::certain;
      });
      if (!held && !socket.owners.empty()) otherwise.push_back(label(socket) + ": " + other_holders(socket));
      else if (held && !has_row[i]) ++reasons["/proc/net has no row for it"];
      else if (held) ++reasons["another row of /proc/net has its inode, or its process is left out"];
      else if (socket.ownerless_reason) ++reasons["no process: " + std::string(model::ownerless_name(socket.ownerless_reason->code))];
      else ++reasons["no process"];
    }
    for (const auto& [why, number] : reasons) remark("lsof can't show " + count(number, "socket") + ": " + why);
    for (std::size_t i = 0; i < std::min(otherwise.size(), kMaxNamed); ++i) remark("lsof can't show " + otherwise[i]);
    if (otherwise.size() > kMaxNamed) remark("lsof can't show " + std::to_string(otherwise.size() - kMaxNamed) + " more that are held like these");
    for (const std::uint32_t process : nameless_)
      remark("lsof leaves out a process whose name has a bracket without its counterpart: " + process_label(snapshot_, process));
    std::uint64_t elsewhere = 0;
    for (const Socket& socket : snapshot_.sockets) elsewhere += socket.netns != netns_ && is_asked_for(socket);
    if (elsewhere != 0) remark("lsof doesn't know " + count(elsewhere, "socket") + " of other network namespaces: it reads /proc/net of its own");
  }

  bool is_asked_for(const Socket& socket) const {
    if (socket.family == model::kFamilyUnix) return options_.unix_sockets;
    const bool v6 = socket.family == model::kFamilyInet6;
    if (!inet_ || !(v6 || socket.family == model::kFamilyInet)) return false;
    if (options_.ipv4 != options_.ipv6 && v6 == options_.ipv4) return false;
    const bool by_protocol = options_.tcp || options_.udp;
    if (socket.protocol == model::kProtocolTcp) return !by_protocol || options_.tcp;
    if (socket.protocol == model::kProtocolUdp) return !by_protocol || options_.udp;
    return socket.protocol == model::kProtocolUdplite && !by_protocol;
  }

  static std::string label(const Socket& socket) {
    if (socket.family == model::kFamilyUnix) return "unix " + (socket.name->bytes.empty() ? "socket without a name" : escape_terminal(socket.name->bytes));
    return std::string(protocol_word(socket.family, socket.protocol)) + ' ' + socket.local.address.to_string() + ':' + std::to_string(socket.local.port);
  }

  const Snapshot& snapshot_;
  std::uint32_t netns_;
  const LsofOptions& options_;
  bool inet_ = false;
  std::vector<Line> lines_;
  std::set<std::uint32_t> nameless_;  // processes that lsof can't name
  std::string out_;
};

}  // namespace

std::string render_lsof(const Snapshot& snapshot, std::uint32_t netns, const LsofOptions& options, std::uint64_t* rows) {
  Lsof lsof(snapshot, netns, options);
  std::string text = lsof.run();
  if (rows != nullptr) *rows += lsof.rows();
  return text;
}

}  // namespace ssnap::render
