#include "render/words.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <span>

#include "render/escape.h"

namespace ssnap::render {

using model::Snapshot;

std::string process_name(const Snapshot& snapshot, std::uint32_t process) {
  if (process >= snapshot.processes.size() || snapshot.processes[process].comm.empty()) return "?";
  return escape_terminal(snapshot.processes[process].comm);
}

std::string process_label(const Snapshot& snapshot, std::uint32_t process) {
  if (process >= snapshot.processes.size()) return "?";
  return process_name(snapshot, process) + '[' + std::to_string(snapshot.processes[process].pid) + ']';
}

std::string alike_label(const Snapshot& snapshot, std::uint32_t first, std::uint32_t last, std::uint64_t number) {
  const auto pid = [&](std::uint32_t process) {
    return process < snapshot.processes.size() ? std::to_string(snapshot.processes[process].pid) : std::string("?");
  };
  return grouped_number(number) + " x " + process_name(snapshot, first) + '[' + pid(first) + " … " + pid(last) + ']';
}

std::string process_notes(const model::Process& process) {
  std::string out;
  const auto note = [&](const std::string& text) { out += (out.empty() ? "" : ", ") + text; };
  if (process.exe_memfd)
    note("executable in memory only");
  else if (process.exe_deleted)
    note("executable deleted");
  if (process.zombie)
    note(process.living_thread ? "leader exited, thread " + std::to_string(*process.living_thread) + " lives"
                               : std::string("ended, not waited for"));
  if (!process.mounted_over.empty()) note("hidden by a mount over " + escape_terminal(process.mounted_over));
  return out;
}

std::string origin_phrase(const Snapshot& snapshot, const model::Owner& owner) {
  const bool inherited = owner.origin == model::Origin::inherited;
  if (!inherited && owner.origin != model::Origin::passed) return "";
  std::string out = owner.origin_certainty == model::Certainty::possible ? "possibly " : "";
  out += inherited ? "inherited" : "passed";
  if (owner.from && *owner.from < snapshot.processes.size())
    out += (inherited ? " from " : " by ") + std::to_string(snapshot.processes[*owner.from].pid);
  return out;
}

namespace {

std::string number_list(std::span<const std::uint32_t> numbers) {
  std::string out;
  const std::size_t named = std::min(numbers.size(), kMaxNamed);
  for (std::size_t i = 0; i < named; ++i) out += (i == 0 ? "" : ",") + std::to_string(numbers[i]);
  if (named < numbers.size()) out += " and " + std::to_string(numbers.size() - named) + " more";
  return out;
}

std::string way(const model::Owner& owner) {
  const std::string fds = owner.fds.empty() ? "an fd" : "fd " + number_list(owner.fds);
  switch (owner.via) {
    case model::Via::fd:
      return fds;
    case model::Via::thread_fd:
      return fds + " of thread " + (owner.tid ? std::to_string(*owner.tid) : std::string("?")) + "'s own table";
    case model::Via::io_uring: {
      const auto& files = owner.registered_files;
      if (files.empty()) return "in an io_uring, " + fds;
      return "in an io_uring, " + fds + ", registered file" + (files.size() == 1 ? " " : "s ") + number_list(files);
    }
    case model::Via::mmap:
      return "mapped into its memory";
    case model::Via::in_flight:
      return "in a message waiting at " + fds;
    case model::Via::listener:
      return "in its accept queue";
  }
  return fds;
}

}  // namespace

void append_number(std::string& text, std::uint64_t number) {
  char digits[20];
  text.append(digits, static_cast<std::size_t>(std::to_chars(digits, digits + sizeof digits, number).ptr - digits));
}

std::string holding_phrase(const Snapshot& snapshot, const model::Owner& owner) {
  const std::string origin = origin_phrase(snapshot, owner);
  return way(owner) + (origin.empty() ? "" : ", " + origin);
}

std::string_view doubt_word(model::Certainty certainty) {
  switch (certainty) {
    case model::Certainty::certain: return "";
    case model::Certainty::probable: return "probably ";
    case model::Certainty::possible: return "possibly ";
  }
  return "";
}

std::string owner_phrase(const Snapshot& snapshot, const model::Owner& owner) {
  return std::string(doubt_word(owner.certainty)) + process_label(snapshot, owner.process) + ' ' +
         holding_phrase(snapshot, owner);
}

std::string user_word(const Snapshot& snapshot, std::uint32_t uid) {
  const auto user = snapshot.users.find(uid);
  if (user == snapshot.users.end()) return std::to_string(uid);
  return escape_terminal(user->second) + '(' + std::to_string(uid) + ')';
}

std::string_view capability_name(unsigned number) {
  // CAP_* (include/uapi/linux/capability.h, v6.12).
  static constexpr std::string_view kNames[] = {
      "chown", "dac_override", "dac_read_search", "fowner", "fsetid", "kill", "setgid", "setuid", "setpcap",
      "linux_immutable", "net_bind_service", "net_broadcast", "net_admin", "net_raw", "ipc_lock", "ipc_owner",
      "sys_module", "sys_rawio", "sys_chroot", "sys_ptrace", "sys_pacct", "sys_admin", "sys_boot", "sys_nice",
      "sys_resource", "sys_time", "sys_tty_config", "mknod", "lease", "audit_write", "audit_control", "setfcap",
      "mac_override", "mac_admin", "syslog", "wake_alarm", "block_suspend", "audit_read", "perfmon", "bpf",
      "checkpoint_restore"};
  return number < std::size(kNames) ? kNames[number] : std::string_view();
}

std::string holders_phrase(const Snapshot& snapshot, const std::vector<const model::Owner*>& owners, bool too) {
  const std::string it = too ? " it too" : " it";
  const auto label = [&](const model::Owner& owner) {
    const std::string_view doubt = owner.certainty == model::Certainty::possible   ? "possibly "
                                   : owner.certainty == model::Certainty::probable ? "probably "
                                                                                   : "";
    return std::string(doubt) + process_label(snapshot, owner.process);
  };
  const auto how = [&](const model::Owner& owner) { return " (" + holding_phrase(snapshot, owner) + ')'; };
  if (owners.size() == 1) return label(*owners[0]) + " holds" + it + how(*owners[0]);
  std::string out;
  const std::size_t named = std::min(owners.size(), kMaxNamed);
  for (std::size_t i = 0; i < named; ++i) {
    if (i != 0) out += i + 1 == owners.size() ? " and " : ", ";
    out += label(*owners[i]) + how(*owners[i]);
  }
  if (named < owners.size()) out += " and " + std::to_string(owners.size() - named) + " more";
  return out + " hold" + it;
}

namespace {

std::string name_or_number(std::string_view name, std::string_view kind, unsigned number) {
  if (!name.empty()) return std::string(name);
  return std::string(kind) + '-' + std::to_string(number);
}

}  // namespace

std::string state_word(std::uint8_t state) {
  return name_or_number(model::state_name(state), "state", state);
}
std::string family_word(std::uint16_t family) {
  return name_or_number(model::family_name(family), "family", family);
}
std::string protocol_word(std::uint16_t family, std::uint16_t protocol) {
  return name_or_number(model::protocol_name(family, protocol), "proto", protocol);
}

std::string_view ethertype_name(std::uint16_t ethertype) {
  struct Row {
    std::uint16_t number;
    std::string_view name;
  };
  // ETH_P_* (include/uapi/linux/if_ether.h), those that are met.
  static constexpr Row kRows[] = {
      {0x0001, "802.3"},  {0x0003, "all"},    {0x0004, "802.2"}, {0x000c, "can"},   {0x0800, "ip"},
      {0x0806, "arp"},    {0x22f3, "trill"},  {0x4305, "batman"}, {0x8035, "rarp"}, {0x8100, "802.1q"},
      {0x8809, "slow"},   {0x8847, "mpls"},   {0x8863, "pppoe-discovery"},          {0x8864, "pppoe"},
      {0x86dd, "ipv6"},   {0x888e, "eapol"},  {0x88a8, "802.1ad"}, {0x88cc, "lldp"}, {0x88e5, "macsec"},
      {0x88f7, "ptp"},    {0x8902, "cfm"},    {0x8906, "fcoe"},  {0x8914, "fip"},
  };
  for (const auto& row : kRows)
    if (row.number == ethertype) return row.name;
  return "";
}

bool is_ip(const model::Socket& socket) {
  return socket.family == model::kFamilyInet || socket.family == model::kFamilyInet6;
}

bool is_raw(const model::Socket& socket) {
  return is_ip(socket) && socket.protocol == model::kProtocolRaw;
}

namespace {

// Whether one of its sightings is a view that `tells`; one without any was made by hand, and all of it is known.
bool seen_where(const model::Socket& socket, bool (*tells)(model::View)) {
  return socket.sightings.empty() ||
         std::any_of(socket.sightings.begin(), socket.sightings.end(),
                     [tells](const model::Sighting& sighting) { return tells(sighting.view); });
}

}  // namespace

bool local_is_known(const model::Socket& socket) {
  return seen_where(socket, [](model::View view) { return view != model::View::sockprotoname; });
}

bool peer_is_known(const model::Socket& socket) {
  return seen_where(socket, [](model::View view) { return view == model::View::netlink_diag; });
}

std::string namespace_word(const Snapshot& snapshot, std::uint32_t netns) {
  if (netns >= snapshot.namespaces.size()) return "?";
  const auto& where = snapshot.namespaces[netns];
  if (!where.name.empty()) return escape_terminal(where.name);
  if (where.own) return "own";
  if (where.unknown) return "unknown";
  return where.inode == 0 ? "?" : std::to_string(where.inode);
}

std::string_view interface_name(const Snapshot& snapshot, std::uint32_t netns, std::uint32_t index) {
  // The same index is another interface in another namespace.
  const auto found = snapshot.interfaces.find({netns, index});
  return found == snapshot.interfaces.end() ? std::string_view() : std::string_view(found->second);
}

std::string grouped_number(std::uint64_t number) {
  std::string digits = std::to_string(number);
  for (std::size_t at = digits.size(); at > 3;) digits.insert(at -= 3, 1, ',');
  return digits;
}

std::string count(std::uint64_t number, std::string_view singular) {
  return count(number, singular, std::string(singular) + 's');
}

std::string count(std::uint64_t number, std::string_view singular, std::string_view plural) {
  return std::to_string(number) + ' ' + std::string(number == 1 ? singular : plural);
}

}  // namespace ssnap::render
