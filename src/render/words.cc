#include "render/words.h"

#include <algorithm>

#include "render/escape.h"

namespace ssnap::render {

using model::Snapshot;

std::string process_label(const Snapshot& snapshot, std::uint32_t process) {
  if (process >= snapshot.processes.size()) return "?";
  const auto& who = snapshot.processes[process];
  return (who.comm.empty() ? std::string("?") : escape_terminal(who.comm)) + '[' + std::to_string(who.pid) +
         ']';
}

namespace {

std::string fd_list(const model::Owner& owner) {
  if (owner.fds.empty()) return "an fd";
  std::string out = "fd ";
  const std::size_t named = std::min(owner.fds.size(), kMaxNamed);
  for (std::size_t i = 0; i < named; ++i) {
    if (i != 0) out += ',';
    out += std::to_string(owner.fds[i]);
  }
  if (named < owner.fds.size()) out += " and " + std::to_string(owner.fds.size() - named) + " more";
  return out;
}

std::string way(const model::Owner& owner) {
  const std::string fds = fd_list(owner);
  switch (owner.via) {
    case model::Via::fd:
      return fds;
    case model::Via::thread_fd:
      return fds + " of thread " + (owner.tid ? std::to_string(*owner.tid) : std::string("?"));
    case model::Via::io_uring:
      return "in an io_uring, " + fds;
    case model::Via::mmap:
      return "mapped into its memory";
    case model::Via::in_flight:
      return "in a message waiting at " + fds;
    case model::Via::listener:
      return "in the accept queue of " + fds;
  }
  return fds;
}

}  // namespace

std::string holding_phrase(const Snapshot& snapshot, const model::Owner& owner) {
  std::string out = way(owner);
  const bool inherited = owner.origin == model::Origin::inherited;
  if (!inherited && owner.origin != model::Origin::passed) return out;
  out += inherited ? ", inherited" : ", passed";
  if (owner.from && *owner.from < snapshot.processes.size())
    out += (inherited ? " from " : " by ") + std::to_string(snapshot.processes[*owner.from].pid);
  return out;
}

std::string owner_phrase(const Snapshot& snapshot, const model::Owner& owner) {
  std::string out;
  if (owner.certainty == model::Certainty::probable) out = "probably ";
  if (owner.certainty == model::Certainty::possible) out = "possibly ";
  return out + process_label(snapshot, owner.process) + ' ' + holding_phrase(snapshot, owner);
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

std::string_view interface_name(const Snapshot& snapshot, std::uint32_t netns, std::uint32_t index) {
  // The same index is another interface in another namespace.
  if (netns >= snapshot.namespaces.size() || !snapshot.namespaces[netns].own) return "";
  const auto found = snapshot.interfaces.find(index);
  return found == snapshot.interfaces.end() ? std::string_view() : std::string_view(found->second);
}

std::string count(std::uint64_t number, std::string_view singular) {
  return count(number, singular, std::string(singular) + 's');
}

std::string count(std::uint64_t number, std::string_view singular, std::string_view plural) {
  return std::to_string(number) + ' ' + std::string(number == 1 ? singular : plural);
}

}  // namespace ssnap::render
