// FILTER words, one a line, on a small snapshot of every family.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "analyze/filter.h"
#include "support/snapshot_builder.h"

using namespace ssnap;
using namespace ssnap::analyze;

namespace {

void check(bool holds) {
  if (!holds) std::abort();
}

model::Snapshot make_snapshot() {
  model::Snapshot snapshot = test::scene();
  test::add_every_family(snapshot);
  auto named = test::unix_socket(model::kSocketStream, model::kStateListen, model::UnixName::Kind::abstract_name, "0abc9");
  named.inode = 6000;
  snapshot.sockets.push_back(std::move(named));
  snapshot.services = {{"https", 443, "tcp", {"www"}}, {"domain", 53, "udp", {}}};
  snapshot.cgroups = {{1, "/"}, {2, "/system.slice/ssh.service"}};
  return snapshot;
}

// A filter and its negation part the sockets between them.
void check_filter(const std::vector<std::string>& words, HostFamily unprefixed) {
  static const model::Snapshot snapshot = make_snapshot();
  const auto syntax = parse_filter(words, unprefixed);
  if (syntax.has_error()) {
    check(!syntax.error().message.empty() && syntax.error().message.size() < 3 * kMaxFilterWordBytes);
    return;
  }
  check(syntax->predicates.size() <= kMaxFilterPredicates);
  for (std::size_t i = 0; i < syntax->groups.size(); ++i) {
    check(!syntax->groups[i].empty());
    for (const Term& term : syntax->groups[i])
      check(term.is_group ? term.index > i && term.index < syntax->groups.size() : term.index < syntax->predicates.size());
  }
  const auto filter = resolve_filter(*syntax, snapshot);
  if (filter.has_error()) {
    check(!filter.error().message.empty());
    return;
  }
  check(filter->size() == syntax->predicates.size());
  auto negated_syntax = *syntax;
  std::vector<Term> whole{{false, true, true, static_cast<std::uint32_t>(negated_syntax.groups.size())}};
  if (negated_syntax.groups.empty()) return;
  // not ( ... ): the first group becomes the last one, and its place negates it.
  negated_syntax.groups.push_back(negated_syntax.groups.front());
  negated_syntax.groups.front() = std::move(whole);
  const auto negated = resolve_filter(negated_syntax, snapshot);
  check(!negated.has_error());
  for (const auto& socket : snapshot.sockets) check(filter->matches(snapshot, socket) != negated->matches(snapshot, socket));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<std::string> words(1);
  for (std::size_t i = 0; i < size; ++i) {
    if (data[i] == '\n') words.emplace_back();
    else words.back() += static_cast<char>(data[i]);
  }
  check_filter(words, HostFamily::any);
  check_filter(words, HostFamily::unix_name);
  return 0;
}
