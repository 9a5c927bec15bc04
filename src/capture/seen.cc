#include "capture/seen.h"

#include <iterator>

namespace ssnap::capture {
namespace {

template <class T>
void move_to_end(std::vector<T>& to, std::vector<T>&& from) {
  if (to.empty()) to = std::move(from);
  else to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
}

}  // namespace

void Seen::append(Seen&& other) {
  move_to_end(processes, std::move(other.processes));
  move_to_end(held, std::move(other.held));
  move_to_end(explained, std::move(other.explained));
  move_to_end(registered, std::move(other.registered));
  move_to_end(namespace_fds, std::move(other.namespace_fds));
  move_to_end(tables, std::move(other.tables));
  move_to_end(dumped, std::move(other.dumped));
  move_to_end(listed, std::move(other.listed));
  move_to_end(twins, std::move(other.twins));
  move_to_end(reads, std::move(other.reads));
  move_to_end(own, std::move(other.own));
  move_to_end(named, std::move(other.named));
}

std::map<std::int32_t, KnownProcess> known_processes(const Seen& walks) {
  std::map<std::int32_t, KnownProcess> known;
  for (const SeenProcess& process : walks.processes) {
    const auto [at, is_new] = known.try_emplace(process.pid);
    if (is_new || process.reused) at->second.process = process;
  }
  for (const FdTable& table : walks.tables) {
    const auto at = known.find(table.pid);
    if (at != known.end() && at->second.process.reused == table.reused) at->second.tables[table.tid] = table;
  }
  return known;
}

}  // namespace ssnap::capture
