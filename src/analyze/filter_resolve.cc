// A filter's names -> the numbers of one snapshot, and its groups -> tests that lead from one to the next.
#include <algorithm>

#include "analyze/filter.h"
#include "analyze/filter_words.h"
#include "base/text_cursor.h"

namespace ssnap::analyze {

using base::Error;
using base::Result;
using model::Snapshot;

namespace {

constexpr std::string_view kDeleted = " (deleted)";
// Where cgroup2 is mounted on almost every host; ss takes paths with and without it.
constexpr std::string_view kCgroupMounts[] = {"/sys/fs/cgroup/unified", "/sys/fs/cgroup"};

bool exe_matches(const Glob& glob, std::string_view exe) {
  if (glob.names(exe)) return true;
  return exe.ends_with(kDeleted) && glob.names(exe.substr(0, exe.size() - kDeleted.size()));
}

// "ssh" is ssh.service, as to systemctl.
bool unit_matches(const Glob& glob, std::string_view unit) {
  constexpr std::string_view kService = ".service";
  if (unit.empty()) return false;
  if (glob.names(unit)) return true;
  return unit.ends_with(kService) && glob.names(unit.substr(0, unit.size() - kService.size()));
}

bool process_matches(Subject subject, const Glob& glob, const std::string& text, const model::Process& process) {
  switch (subject) {
    case Subject::comm: return glob.names(process.comm);
    case Subject::exe: return process.exe && exe_matches(glob, *process.exe);
    case Subject::container: return process.container && (process.container->id.starts_with(text) || glob.matches(process.container->id));
    default: return unit_matches(glob, process.unit);
  }
}

std::uint64_t enum_number(std::string_view name, std::string_view (*name_of)(unsigned)) {
  unsigned number = 0;
  while (name_of(number) != name) ++number;  // the parser has seen it in the list
  return number;
}

}  // namespace

class FilterResolver {
 public:
  FilterResolver(const FilterSyntax& syntax, const Snapshot& snapshot) : syntax_(syntax), snapshot_(snapshot) {}

  Result<Filter> run() {
    if (syntax_.groups.empty()) return std::move(filter_);
    filter_.start_ = emit_group(0, Filter::kAccept, Filter::kReject);
    if (error_) return *error_;
    return std::move(filter_);
  }

 private:
  // From the last term to the first, so that every target is there before what leads to it. Returns where it begins.
  std::uint32_t emit_group(std::uint32_t index, std::uint32_t if_true, std::uint32_t if_false) {
    const auto& terms = syntax_.groups[index];
    for (std::size_t i = terms.size(); i-- > 0;) {
      const Term& term = terms[i];
      const std::uint32_t yes = term.negated ? if_false : if_true, no = term.negated ? if_true : if_false;
      const std::uint32_t begin = term.is_group ? emit_group(term.index, yes, no) : emit_test(term.index, yes, no);
      if (i == 0) return begin;
      // All before it decides alone, or leads here.
      (term.by_or ? if_false : if_true) = begin;
    }
    return if_true;
  }

  std::uint32_t emit_test(std::uint32_t index, std::uint32_t if_true, std::uint32_t if_false) {
    const Predicate& predicate = syntax_.predicates[index];
    FilterTest test;
    test.subject = predicate.subject;
    test.comparison = predicate.comparison;
    test.states = predicate.states;
    test.host = predicate.host;
    test.number = predicate.number.value_or(0);
    test.mask = predicate.mask;
    test.set = FilterTest::kNoSet;
    test.if_true = if_true;
    test.if_false = if_false;
    if (test.comparison == Comparison::not_equal) {
      test.comparison = Comparison::equal;
      std::swap(test.if_true, test.if_false);
    }
    resolve(predicate, test);
    filter_.tests_.push_back(std::move(test));
    return static_cast<std::uint32_t>(filter_.tests_.size() - 1);
  }

  void resolve(const Predicate& predicate, FilterTest& test) {
    switch (predicate.subject) {
      case Subject::source:
      case Subject::destination:
      case Subject::source_port:
      case Subject::destination_port: resolve_host(predicate, test); break;
      case Subject::device:
        if (!use_interface(predicate.text, test)) {
          const auto index = parse_c_integer(predicate.text);
          if (!index) fail(predicate, "an interface of this snapshot, or an index");
          test.number = index.value_or(0);
        }
        break;
      case Subject::cgroup: resolve_cgroup(predicate, test); break;
      case Subject::comm:
      case Subject::exe:
      case Subject::container:
      case Subject::unit: resolve_processes(predicate, test); break;
      case Subject::user: resolve_user(predicate, test); break;
      case Subject::netns: resolve_netns(predicate, test); break;
      case Subject::reason:
        test.number = enum_number(predicate.text, [](unsigned i) { return model::ownerless_name(static_cast<model::OwnerlessCode>(i)); });
        break;
      case Subject::via:
        test.number = enum_number(predicate.text, [](unsigned i) { return model::via_name(static_cast<model::Via>(i)); });
        break;
      case Subject::protocol:
        if (!predicate.number) use_ids(test, protocol_keys(predicate.text));
        break;
      case Subject::pid:
        // Above every pid; so it stays a number that compares as written.
        test.number = std::min<std::uint64_t>(test.number, INT64_MAX);
        break;
      default: break;
    }
  }

  void resolve_host(const Predicate& predicate, FilterTest& test) {
    const HostCondition& host = predicate.host;
    if (host.pattern) {
      test.set = static_cast<std::uint32_t>(filter_.globs_.size());
      filter_.globs_.emplace_back(*host.pattern, LetterCase::folded);
    } else if (host.port_name.empty()) {
      return;
    } else if (host.family == HostFamily::link) {
      if (!use_interface(host.port_name, test)) fail(predicate, "an interface of this snapshot, or an index");
    } else {
      test.host.port = service_port(predicate);
    }
  }

  // As ss looks names up: of TCP and UDP, which must not differ.
  std::optional<std::int64_t> service_port(const Predicate& predicate) {
    const std::string& name = predicate.host.port_name;
    std::optional<std::int64_t> tcp, udp;
    for (const model::Service& service : snapshot_.services) {
      auto& port = service.protocol == "tcp" ? tcp : udp;
      if (port || (service.protocol != "tcp" && service.protocol != "udp")) continue;
      if (service.name == name || std::find(service.aliases.begin(), service.aliases.end(), name) != service.aliases.end())
        port = service.port;
    }
    if (tcp && udp && *tcp != *udp)
      fail(predicate, "a number: '" + name + "' is " + std::to_string(*tcp) + " for TCP and " + std::to_string(*udp) + " for UDP");
    else if (!tcp && !udp)
      fail(predicate, snapshot_.services.empty() ? "a port's number: this snapshot holds no etc/services"
                                                 : "a port's number, or a service of the snapshot's etc/services");
    return tcp ? tcp : udp;
  }

  // False where no namespace has an interface of that name.
  bool use_interface(const std::string& name, FilterTest& test) {
    std::vector<std::uint64_t> keys;
    for (const auto& [at, interface_name] : snapshot_.interfaces)
      if (interface_name == name) keys.push_back(std::uint64_t{at.first} << 32 | at.second);
    if (keys.empty()) return false;
    use_ids(test, std::move(keys));
    return true;
  }

  void resolve_cgroup(const Predicate& predicate, FilterTest& test) {
    std::string_view path = predicate.text;
    if (const auto id = parse_c_integer(path)) return use_ids(test, {*id});
    for (const auto mount : kCgroupMounts)
      if (path.starts_with(mount) && (path.size() == mount.size() || path[mount.size()] == '/')) {
        path.remove_prefix(mount.size());
        break;
      }
    while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
    const std::string wanted = path.starts_with('/') ? std::string(path) : "/" + std::string(path);
    const Glob glob(wanted, LetterCase::exact);
    std::vector<std::uint64_t> ids;
    for (const auto& [id, name] : snapshot_.cgroups)
      if (glob.names(name)) ids.push_back(id);
    if (ids.empty()) fail(predicate, "a cgroup of this snapshot by its path, a pattern, or an id");
    use_ids(test, std::move(ids));
  }

  void resolve_processes(const Predicate& predicate, FilterTest& test) {
    const Glob glob(predicate.text, LetterCase::exact);
    std::vector<bool> chosen(snapshot_.processes.size());
    for (std::size_t i = 0; i < chosen.size(); ++i)
      chosen[i] = process_matches(predicate.subject, glob, predicate.text, snapshot_.processes[i]);
    use_indexes(test, std::move(chosen));
  }

  void resolve_user(const Predicate& predicate, FilterTest& test) {
    const Glob glob(predicate.text, LetterCase::exact);
    std::vector<std::uint64_t> uids;
    for (const auto& [uid, name] : snapshot_.users)
      if (glob.names(name)) uids.push_back(uid);
    if (uids.empty()) {
      if (const auto uid = parse_c_integer(predicate.text)) uids.push_back(*uid);
      else fail(predicate, "a user of the snapshot's etc/passwd, or a uid");
    }
    use_ids(test, std::move(uids));
  }

  void resolve_netns(const Predicate& predicate, FilterTest& test) {
    const Glob glob(predicate.text, LetterCase::exact);
    const auto inode = base::parse_integer<std::uint64_t>(predicate.text);
    std::vector<bool> chosen(snapshot_.namespaces.size());
    bool any = false;
    for (std::size_t i = 0; i < chosen.size(); ++i) {
      const model::Namespace& netns = snapshot_.namespaces[i];
      chosen[i] = (inode && netns.inode == *inode) || (!netns.name.empty() && glob.names(netns.name));
      any |= chosen[i];
    }
    if (!any) fail(predicate, "a network namespace of this snapshot by its name or inode (ssnap info lists them)");
    use_indexes(test, std::move(chosen));
  }

  void use_ids(FilterTest& test, std::vector<std::uint64_t> ids) {
    std::sort(ids.begin(), ids.end());
    test.set = static_cast<std::uint32_t>(filter_.ids_.size());
    filter_.ids_.push_back(std::move(ids));
  }
  void use_indexes(FilterTest& test, std::vector<bool> indexes) {
    test.set = static_cast<std::uint32_t>(filter_.indexes_.size());
    filter_.indexes_.push_back(std::move(indexes));
  }

  // Tests are emitted from the last to the first: the first word that is wrong is the one that is reported.
  void fail(const Predicate& predicate, const std::string& expected) {
    error_ = filter_error(syntax_.words, predicate.word, predicate.text, expected);
  }

  const FilterSyntax& syntax_;
  const Snapshot& snapshot_;
  Filter filter_;
  std::optional<Error> error_;
};

Result<Filter> resolve_filter(const FilterSyntax& syntax, const Snapshot& snapshot) {
  return FilterResolver(syntax, snapshot).run();
}

}  // namespace ssnap::analyze
