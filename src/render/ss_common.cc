// The parts of ss's rows that several families have.
#include <algorithm>
#include <cstdarg>
#include <cstdio>

#include "render/escape.h"
#include "render/ss_parts.h"
#include "render/words.h"

namespace ssnap::render {
namespace {

// Numbers and short words only: kernel strings never go through a format.
std::string vprinted(const char* format, std::va_list arguments) {
  char text[256];
  const int bytes = std::vsnprintf(text, sizeof text, format, arguments);
  return std::string(text, std::min<std::size_t>(bytes < 0 ? 0 : static_cast<std::size_t>(bytes), sizeof text - 1));
}

// ss reads comm up to its first bracket.
std::string task_name(const model::Process& process) { return escape_tool(process.comm.substr(0, process.comm.find(')'))); }

}  // namespace

std::string printed(const char* format, ...) {
  std::va_list arguments;
  va_start(arguments, format);
  std::string text = vprinted(format, arguments);
  va_end(arguments);
  return text;
}

void SsView::addf(const char* format, ...) {
  std::va_list arguments;
  va_start(arguments, format);
  columns.add(vprinted(format, arguments));
  va_end(arguments);
}

std::string_view ss_state(std::uint32_t state) {
  static constexpr std::string_view kStates[] = {"UNKNOWN",   "ESTAB",  "SYN-SENT",   "SYN-RECV", "FIN-WAIT-1", "FIN-WAIT-2",
                                                 "TIME-WAIT", "UNCONN", "CLOSE-WAIT", "LAST-ACK", "LISTEN",     "CLOSING"};
  // A later state than it knows it reads past its table's end: there is nothing to imitate.
  return kStates[state < std::size(kStates) ? state : 0];
}

void ss_begin(SsView& view, std::string_view netid, std::string_view state, std::uint32_t recv_queue,
              std::uint32_t send_queue) {
  view.columns.go_to(SsColumn::netid);
  view.add(netid);
  view.columns.go_to(SsColumn::state);
  view.add(state);
  view.columns.go_to(SsColumn::recv_queue);
  view.addf("%-6d", static_cast<int>(recv_queue));
  view.columns.go_to(SsColumn::send_queue);
  view.addf("%-6d", static_cast<int>(send_queue));
  view.columns.go_to(SsColumn::local_address);
}

void ss_end(SsView& view, std::string_view address, std::string_view port) {
  view.add(address);
  view.columns.next();
  view.add(port);
  view.columns.next();
}

std::string ss_port(const SsView& view, std::uint32_t port) {
  if (port == 0) return "*";
  if (view.options.numeric) return std::to_string(port);
  const auto& snapshot = view.snapshot;
  if (view.ports == SsPorts::raw) {
    const auto name = snapshot.ip_protocols.find(port);
    return name == snapshot.ip_protocols.end() ? "ipproto-" + std::to_string(port) : escape_tool(name->second);
  }
  // It doesn't look up what may be a client's own port. These are its numbers where the kernel doesn't say.
  model::PortRange ephemeral{1024, 4999};
  if (const auto& known = snapshot.namespaces[view.netns].local_ports) ephemeral = *known;
  if (port < ephemeral.first || port > ephemeral.last) {
    const std::string_view protocol = view.ports == SsPorts::any ? "" : view.ports == SsPorts::udp ? "udp" : "tcp";
    const auto service = view.services.find({port, protocol});
    if (service != view.services.end()) return escape_tool(service->second);
  }
  return std::to_string(port);
}

std::string ss_interface(const SsView& view, std::uint32_t index) {
  if (index == 0) return "*";
  const auto name = interface_name(view.snapshot, view.netns, index);
  return name.empty() ? "if" + std::to_string(index) : escape_tool(name);
}

std::string ss_cgroup(const SsView& view, std::uint64_t id) {
  const auto path = view.snapshot.cgroups.find(id);
  return path == view.snapshot.cgroups.end() ? printed("unreachable:%llx", static_cast<unsigned long long>(id))
                                             : escape_tool(path->second);
}

bool ss_sees(const model::Owner& owner) {
  constexpr std::uint8_t kFirstWalk = 1;
  return owner.via == model::Via::fd && owner.certainty == model::Certainty::certain && (owner.passes & kFirstWalk) != 0;
}

void ss_owners(SsView& view, const model::Socket* socket, std::uint64_t inode) {
  const bool threads = view.options.threads;
  if ((!view.options.processes && !threads) || socket == nullptr || inode == 0 || socket->inode != inode) return;
  std::string users;
  const auto add = [&](const model::Owner& owner, const model::Process& process, std::int64_t tid) {
    // Its list begins with what it met last.
    for (auto fd = owner.fds.rbegin(); fd != owner.fds.rend(); ++fd) {
      users += users.empty() ? "(\"" : ",(\"";
      users += task_name(process) + printed("\",pid=%d,", static_cast<int>(process.pid));
      if (threads) users += printed("tid=%d,", static_cast<int>(tid));
      users += printed("fd=%d)", static_cast<int>(*fd));
    }
  };
  for (auto owner = socket->owners.rbegin(); owner != socket->owners.rend(); ++owner) {
    if (owner->process >= view.snapshot.processes.size()) continue;
    const model::Process& process = view.snapshot.processes[owner->process];
    const bool own_table = owner->via == model::Via::thread_fd && owner->certainty == model::Certainty::certain;
    if (ss_sees(*owner)) add(*owner, process, process.pid);
    else if (threads && own_table && owner->tid) add(*owner, process, *owner->tid);
  }
  if (!users.empty()) view.add(" users:(" + users + ')');
}

void ss_extended(SsView& view, const model::DumpRow& row) {
  if (row.uid != 0) view.addf(" uid:%u", row.uid);
  view.addf(" ino:%u sk:%llx", static_cast<unsigned>(row.inode), static_cast<unsigned long long>(row.cookie));
  if (row.details.mark.value_or(0) != 0) view.addf(" fwmark:0x%x", *row.details.mark);
  if (row.details.cgroup_id.value_or(0) != 0) view.add(" cgroup:" + ss_cgroup(view, *row.details.cgroup_id));
}

void ss_shutdown(SsView& view, std::uint8_t shutdown) {
  view.addf(" %c-%c", (shutdown & 1) != 0 ? '-' : '<', (shutdown & 2) != 0 ? '-' : '>');
}

void ss_memory(SsView& view, std::span<const std::uint32_t> skmeminfo) {
  static constexpr std::string_view kNames[] = {"r", ",rb", ",t", ",tb", ",f", ",w", ",o", ",bl", ",d"};
  if (skmeminfo.empty()) return;
  std::string text = " skmem:(";
  // ss takes the first seven for granted; a kernel that sends fewer has none of them.
  const std::size_t count = std::min(std::max<std::size_t>(skmeminfo.size(), 7), std::size(kNames));
  for (std::size_t i = 0; i < count; ++i)
    text += std::string(kNames[i]) + std::to_string(i < skmeminfo.size() ? skmeminfo[i] : 0);
  view.add(text + ')');
}

// "12sec", "1min2sec", "3.024ms" for 3.024 seconds, "200ms".
std::string ss_duration(std::uint32_t msec) {
  std::uint32_t seconds = msec / 1000 % 60, rest = msec % 1000;
  const std::uint32_t minutes = msec / 1000 / 60;
  std::string text;
  if (minutes != 0) {
    rest = 0;
    text = std::to_string(minutes) + "min";
    if (minutes > 9) seconds = 0;
  }
  if (seconds != 0) {
    if (seconds > 9) rest = 0;
    text += std::to_string(seconds) + (rest != 0 ? "." : "sec");
  }
  if (rest != 0) text += printed("%03ums", rest);
  return text;
}

const model::Socket* ss_socket(const SsView& view, const model::DumpRow& row) {
  return row.socket < view.snapshot.sockets.size() ? &view.snapshot.sockets[row.socket] : nullptr;
}

}  // namespace ssnap::render
