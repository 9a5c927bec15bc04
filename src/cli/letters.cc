#include "cli/letters.h"

#include <algorithm>
#include <cstdint>
#include <string_view>

#include "base/error.h"

namespace po = boost::program_options;

namespace ssnap::cli {

using base::ExitCode;
using base::Failure;

// One row a switch, one column a tool: what the letter means there, or null where the tool hasn't got it.
struct LetterRow {
  const char* names;      // as program_options wants them: long,short
  bool Letters::*value;   // set where it is given; null where it takes a word, or is refused
  const char* word_name;  // of the word that it takes; null: none
  const char* ssnap;
  const char* ss;
  const char* netstat;
  const char* lsof = nullptr;
};

namespace {

constexpr const char kFamilyWords[] = "inet, inet6, link, unix, netlink, vsock, tipc or xdp";
constexpr const char kQueryText[] =
    "sockets of these tables: all inet tcp udp raw dccp sctp mptcp unix unix_stream unix_dgram unix_seqpacket packet "
    "packet_raw packet_dgram netlink vsock vsock_stream vsock_dgram tipc xdp, separated by commas; !TABLE takes one away";

constexpr LetterRow kLetters[] = {
    {"tcp,t", &Letters::tcp, nullptr, "TCP sockets", "TCP sockets", "TCP sockets", "TCP sockets (-iTCP)"},
    {"udp,u", &Letters::udp, nullptr, "UDP and UDP-Lite sockets", "UDP sockets", "UDP sockets", "UDP sockets (-iUDP)"},
    {"udplite,U", &Letters::udplite, nullptr, nullptr, nullptr, "UDP-Lite sockets"},
    {"raw,w", &Letters::raw, nullptr, "raw and ping sockets", "raw sockets", "raw sockets"},
    {"sctp,S", &Letters::sctp, nullptr, nullptr, nullptr, "SCTP sockets"},
    {"dccp,d", &Letters::dccp, nullptr, "DCCP sockets", "DCCP sockets", nullptr},
    {"sctp,S", &Letters::sctp, nullptr, "SCTP sockets", "SCTP sockets", nullptr},
    {"mptcp,M", &Letters::mptcp, nullptr, "MPTCP sockets", "MPTCP sockets", nullptr},
    {"unix,x", &Letters::unix_sockets, nullptr, "UNIX sockets", "UNIX sockets", "UNIX sockets", "UNIX sockets (-U)"},
    {"packet,0", &Letters::packet, nullptr, "packet sockets", "packet sockets", nullptr},
    {"vsock", &Letters::vsock, nullptr, "vsock sockets", "vsock sockets", nullptr},
    {"xdp", &Letters::xdp, nullptr, "XDP sockets", "XDP sockets", nullptr},
    {"tipc", &Letters::tipc, nullptr, "TIPC sockets", "TIPC sockets", nullptr},
    {"family,f", nullptr, "FAMILY", "sockets of a family: inet, inet6, link, unix, netlink, vsock, tipc or xdp",
     "sockets of a family: inet, inet6, link, unix, netlink, vsock, tipc or xdp", nullptr},
    {"query,A", nullptr, "TABLE,...", kQueryText, kQueryText, nullptr},
    {"socket", nullptr, "TABLE,...", "the same as --query", "the same as --query", nullptr},
    {"ipv4,4", &Letters::ipv4, nullptr, "IPv4 only", "IPv4 only", "IPv4 only", "IPv4 only (-i4)"},
    {"ipv6,6", &Letters::ipv6, nullptr, "IPv6 only", "IPv6 only", "IPv6 only", "IPv6 only (-i6)"},
    {"all,a", &Letters::all, nullptr, "every state", "every state", "every state"},
    {"listening,l", &Letters::listening, nullptr, "listening sockets only", "listening sockets only",
     "listening sockets only"},
    {"bound-inactive,B", &Letters::bound_inactive, nullptr, "TCP sockets that are bound but neither listen nor are connected",
     nullptr, nullptr},
    {"numeric,n", &Letters::numeric, nullptr, "numbers instead of names (always so)", "numbers instead of names",
     "numbers instead of names", "numbers instead of names (always so)"},
    {"processes,p", &Letters::processes, nullptr, "who holds each socket (always shown)", "who holds each socket",
     "process (the first one only, as netstat has it)"},
    {"threads,T", &Letters::threads, nullptr, "threads with an fd table of their own (always shown)",
     "who holds each socket, with the thread", nullptr},
    {"extended,e", &Letters::extended, nullptr, "uid, inode and cookie too", "uid, inode, cookie and timer too",
     "user and inode too; of routes other columns, twice all"},
    {"options,o", &Letters::timers, nullptr, "timers too", "timers too", nullptr},
    {"timers,o", &Letters::timers, nullptr, nullptr, nullptr, "timers too"},
    {"memory,m", &Letters::memory, nullptr, "memory of the buffers too", "memory of the buffers too", nullptr},
    {"info,i", &Letters::info, nullptr, "TCP's internal numbers too", "TCP's internal numbers too", nullptr},
    {"bpf,b", &Letters::filters, nullptr, "filters of packet sockets too", "filters of packet sockets too", nullptr},
    {"tos", &Letters::tos, nullptr, "type of service and priority too", "type of service and priority too", nullptr},
    {"cgroup", &Letters::cgroups, nullptr, "cgroups too", "cgroups too", nullptr},
    {"inet-sockopt", &Letters::sockopts, nullptr, "socket options too", "socket options too", nullptr},
    {"tipcinfo", &Letters::tipc_info, nullptr, nullptr, "TIPC's internal numbers too", nullptr},
    {"summary,s", &Letters::summary, nullptr, "numbers of sockets", "the kernel's numbers of sockets", nullptr},
    {"oneline,O", &Letters::one_line, nullptr, "each socket on one line", "each socket on one line", nullptr},
    {"no-header,H", &Letters::no_header, nullptr, "no line of column names", "no line of column names", nullptr},
    {"no-queues,Q", &Letters::no_queues, nullptr, "no column of queues", nullptr, nullptr},
    {"wide,W", &Letters::wide, nullptr, nullptr, nullptr, "addresses are not cut"},
    {"groups,g", &Letters::groups, nullptr, nullptr, nullptr, "multicast groups"},
    {"interfaces,i", &Letters::interfaces, nullptr, nullptr, nullptr, "the table of interfaces, in the place of sockets"},
    {"route,r", &Letters::routes, nullptr, nullptr, nullptr, "the routing table, in the place of sockets"},
    {"statistics,s", &Letters::statistics, nullptr, nullptr, nullptr, "the kernel's counters, in the place of sockets"},
    {"numeric-hosts", &Letters::numeric_hosts, nullptr, nullptr, nullptr, "no names of hosts and networks"},
    {"numeric-ports", &Letters::numeric_ports, nullptr, nullptr, nullptr, "no names of services"},
    {"numeric-users", &Letters::numeric_users, nullptr, nullptr, nullptr, "no names of users"},
    {"symbolic,N", &Letters::numeric_hosts, nullptr, nullptr, nullptr, "as --numeric-hosts"},
    {"fib,F", &Letters::ignored, nullptr, nullptr, nullptr, "changes nothing"},
    {"verbose,v", &Letters::ignored, nullptr, nullptr, nullptr,
     "changes nothing: what it would add concerns the machine that it runs on"},
};

// Switches of ss that mean nothing here, and why.
struct Refusal {
  const char* names;
  Tool only;  // ssnap: whatever the tool, as long as it has the letters of ss
  bool takes_word;
  const char* why;
};
constexpr Refusal kRefusals[] = {
    {"resolve,r", Tool::ssnap, false,
     "names come from the snapshot only, never from a resolver: there is no -r (--resolve)"},
    {"kill,K", Tool::ssnap, false, "a snapshot's sockets can't be closed: there is no -K (--kill)"},
    {"events,E", Tool::ssnap, false, "nothing happens in a snapshot any more: there is no -E (--events)"},
    {"diag,D", Tool::ssnap, true, "the archive holds the raw messages already: there is no -D (--diag)"},
    {"filter,F", Tool::ssnap, true, "a filter is written behind the snapshot, not in a file: there is no -F (--filter)"},
    {"net,N", Tool::ssnap, true, "--netns names the network namespace: there is no -N (--net)"},
    {"context,Z", Tool::ssnap, false, "the SELinux contexts of processes aren't shown: there is no -Z (--context)"},
    {"contexts,z", Tool::ssnap, false, "the SELinux contexts of sockets are not captured: there is no -z (--contexts)"},
    {"bound-inactive,B", Tool::ss, false, "ss 6.1, which --as ss speaks for, has no -B (--bound-inactive)"},
    {"no-queues,Q", Tool::ss, false, "ss 6.1, which --as ss speaks for, has no -Q (--no-queues)"},
};

const char* meaning(const LetterRow& row, Tool tool) {
  switch (tool) {
    case Tool::ss: return row.ss;
    case Tool::netstat: return row.netstat;
    case Tool::lsof: return row.lsof;
    case Tool::ssnap: break;
  }
  return row.ssnap;
}

// A switch, which may be given more than once, with a word or without.
class Switch : public po::value_semantic {
 public:
  Switch(Letters& letters, const LetterRow& row) : letters_(letters), row_(row) {}
  std::string name() const override { return row_.word_name == nullptr ? "" : row_.word_name; }
  unsigned min_tokens() const override { return row_.word_name == nullptr ? 0 : 1; }
  unsigned max_tokens() const override { return min_tokens(); }
  bool is_composing() const override { return true; }
  bool is_required() const override { return false; }
  void parse(boost::any& store, const std::vector<std::string>& words, bool) const override {
    if (row_.value != nullptr) letters_.*row_.value = true;
    letters_.given.emplace_back(&row_, words.empty() ? std::string() : words.front());
    store = true;
  }
  bool apply_default(boost::any&) const override { return false; }
  void notify(const boost::any&) const override {}

 private:
  Letters& letters_;
  const LetterRow& row_;
};

class Refused : public po::value_semantic {
 public:
  explicit Refused(const Refusal& refusal) : refusal_(refusal) {}
  std::string name() const override { return ""; }
  unsigned min_tokens() const override { return refusal_.takes_word ? 1 : 0; }
  unsigned max_tokens() const override { return min_tokens(); }
  bool is_composing() const override { return true; }
  bool is_required() const override { return false; }
  void parse(boost::any&, const std::vector<std::string>&, bool) const override {
    throw Failure(ExitCode::usage, refusal_.why);
  }
  bool apply_default(boost::any&) const override { return false; }
  void notify(const boost::any&) const override {}

 private:
  const Refusal& refusal_;
};

std::uint16_t family_of(const std::string& word) {
  const std::uint16_t family = render::ss_family_of(word);
  if (family == 0) throw Failure(ExitCode::usage, std::string("-f takes ") + kFamilyWords + ", not '" + word + "'");
  return family;
}

// The words of -A.
template <class Visit>
void for_each_word(const std::string& list, const Visit& visit) {
  for (std::size_t at = 0; at <= list.size();) {
    const auto end = std::min(list.find(',', at), list.size());
    const std::string word = list.substr(at, end - at);
    if (!visit(word))
      throw Failure(ExitCode::usage, "-A has no table '" + word + "'; ssnap analyze --help lists those that it has");
    at = end + 1;
  }
}

bool is_query(const LetterRow& row) { return row.word_name != nullptr && std::string_view(row.names) != "family,f"; }

}  // namespace

Tool find_tool(const std::vector<std::string>& arguments) {
  std::string name = "ssnap";
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (arguments[i] == "--") break;
    if (arguments[i] == "--as" && i + 1 < arguments.size()) name = arguments[i + 1];
    if (arguments[i].starts_with("--as=")) name = arguments[i].substr(5);
  }
  if (name == "ssnap") return Tool::ssnap;
  if (name == "ss") return Tool::ss;
  if (name == "netstat") return Tool::netstat;
  if (name == "lsof") return Tool::lsof;
  throw Failure(ExitCode::usage, "--as takes ssnap, ss, netstat or lsof, not '" + name + "'");
}

po::options_description letter_options(Letters& letters, Tool tool) {
  po::options_description description(tool == Tool::netstat ? "Switches, as netstat has them"
                                      : tool == Tool::lsof  ? "Switches, as lsof -nP -i is narrowed"
                                                            : "Switches, as ss has them");
  for (const LetterRow& row : kLetters)
    if (const char* text = meaning(row, tool)) description.add_options()(row.names, new Switch(letters, row), text);
  return description;
}

po::options_description selecting_options(Letters& letters) {
  static constexpr bool Letters::*kColumns[] = {&Letters::extended, &Letters::timers,  &Letters::memory,   &Letters::info,
                                                &Letters::filters,  &Letters::tos,     &Letters::cgroups,  &Letters::sockopts,
                                                &Letters::summary,  &Letters::one_line, &Letters::no_queues};
  po::options_description description("Switches, as ss has them");
  for (const LetterRow& row : kLetters)
    if (const char* text = meaning(row, Tool::ssnap); text != nullptr && std::find(std::begin(kColumns), std::end(kColumns), row.value) == std::end(kColumns))
      description.add_options()(row.names, new Switch(letters, row), text);
  return description;
}

po::options_description refused_options(Tool tool) {
  po::options_description description;
  if (tool == Tool::netstat || tool == Tool::lsof) return description;
  for (const Refusal& refusal : kRefusals)
    if (refusal.only == Tool::ssnap || refusal.only == tool)
      description.add_options()(refusal.names, new Refused(refusal), "");
  return description;
}

analyze::Selection selection_of(const Letters& letters) {
  analyze::Selection selection;
  selection.ipv4 = letters.ipv4;
  selection.ipv6 = letters.ipv6;
  selection.all = letters.all;
  selection.listening = letters.listening;
  selection.bound_inactive = letters.bound_inactive;
  static constexpr struct {
    bool Letters::*letter;
    std::uint32_t tables;
  } kTables[] = {
      {&Letters::tcp, analyze::kTcp},     {&Letters::udp, analyze::kUdp},   {&Letters::raw, analyze::kRaw},
      {&Letters::dccp, analyze::kDccp},   {&Letters::sctp, analyze::kSctp}, {&Letters::mptcp, analyze::kMptcp},
      {&Letters::unix_sockets, analyze::kUnix}, {&Letters::packet, analyze::kPacket},
      {&Letters::vsock, analyze::kVsock}, {&Letters::xdp, analyze::kXdp},   {&Letters::tipc, analyze::kTipc},
  };
  for (const auto& row : kTables)
    if (letters.*row.letter) selection.tables |= row.tables;
  for (const auto& [row, word] : letters.given) {
    if (row->word_name == nullptr) continue;
    if (!is_query(*row)) {
      switch (family_of(word)) {
        case model::kFamilyInet: selection.ipv4 = true; break;
        case model::kFamilyInet6: selection.ipv6 = true; break;
        case model::kFamilyUnix: selection.tables |= analyze::kUnix; break;
        case model::kFamilyPacket: selection.tables |= analyze::kPacket; break;
        case model::kFamilyNetlink: selection.tables |= analyze::kNetlink; break;
        case model::kFamilyVsock: selection.tables |= analyze::kVsock; break;
        case model::kFamilyTipc: selection.tables |= analyze::kTipc; break;
        case model::kFamilyXdp: selection.tables |= analyze::kXdp; break;
        default: break;
      }
      continue;
    }
    for_each_word(word, [&](std::string_view name) {
      const bool takes_away = name.starts_with('!');
      if (takes_away) name.remove_prefix(1);
      const std::uint32_t tables = analyze::tables_of(name);
      selection.tables = takes_away ? selection.tables & ~tables : selection.tables | tables;
      return tables != 0;
    });
  }
  return selection;
}

void add_to_style(const Letters& letters, render::Style& style) {
  style.header = !letters.no_header;
  style.extended = letters.extended;
  style.queues = !letters.no_queues;
  style.one_line = letters.one_line;
  style.details.timers = letters.timers;
  style.details.memory = letters.memory;
  style.details.info = letters.info;
  style.details.filters = letters.filters;
  style.details.tos = letters.tos;
  style.details.cgroups = letters.cgroups;
  style.details.sockopts = letters.sockopts;
}

render::SsOptions ss_options(const Letters& letters, std::uint32_t states) {
  render::SsOptions options;
  render::SsSelection& selection = options.selection;
  static constexpr struct {
    bool Letters::*letter;
    std::uint32_t table;   // or
    std::uint16_t family;
  } kRows[] = {
      {&Letters::tcp, analyze::kTcp, 0},
      {&Letters::udp, analyze::kUdp, 0},
      {&Letters::raw, analyze::kRaw, 0},
      {&Letters::dccp, analyze::kDccp, 0},
      {&Letters::sctp, analyze::kSctp, 0},
      {&Letters::mptcp, analyze::kMptcp, 0},
      {&Letters::unix_sockets, 0, model::kFamilyUnix},
      {&Letters::packet, 0, model::kFamilyPacket},
      {&Letters::vsock, 0, model::kFamilyVsock},
      {&Letters::xdp, 0, model::kFamilyXdp},
      {&Letters::tipc, 0, model::kFamilyTipc},
      {&Letters::ipv4, 0, model::kFamilyInet},
      {&Letters::ipv6, 0, model::kFamilyInet6},
  };
  for (const auto& [letter, word] : letters.given) {
    for (const auto& row : kRows) {
      if (letter->value != row.letter) continue;
      if (row.table != 0) selection.add_table(row.table);
      else selection.add_family(row.family);
    }
    if (letter->value == &Letters::all) selection.all_states();
    if (letter->value == &Letters::listening) selection.listening_states();
    if (letter->word_name == nullptr) continue;
    if (!is_query(*letter)) {
      selection.add_family(family_of(word));
    } else {
      selection.begin_query();
      for_each_word(word, [&](const std::string& name) { return selection.add_query(name); });
    }
  }
  if (states != 0) selection.set_states(states);
  selection.finish();
  options.summary = letters.summary;
  options.header = !letters.no_header;
  options.numeric = letters.numeric;
  options.processes = letters.processes;
  options.threads = letters.threads;
  options.timers = letters.timers || letters.extended || letters.filters;
  options.extended = letters.extended;
  options.memory = letters.memory;
  options.info = letters.info;
  options.filters = letters.filters;
  options.tos = letters.tos;
  options.cgroups = letters.cgroups;
  options.sockopts = letters.sockopts;
  options.tipc_info = letters.tipc_info;
  options.one_line = letters.one_line;
  return options;
}

render::NetstatOptions netstat_options(const Letters& letters) {
  if (letters.interfaces + letters.routes + letters.statistics > 1)
    throw Failure(ExitCode::usage, "-i, -r and -s are a table each: one of them at a time");
  if (letters.interfaces && letters.extended)
    throw Failure(ExitCode::usage, "-i with -e is what ifconfig prints, and not imitated; -i alone prints the table");
  render::NetstatOptions netstat;
  netstat.tcp = letters.tcp;
  netstat.udp = letters.udp;
  netstat.udplite = letters.udplite;
  netstat.sctp = letters.sctp;
  netstat.raw = letters.raw;
  netstat.unix_sockets = letters.unix_sockets;
  netstat.inet = letters.ipv4;
  netstat.inet6 = letters.ipv6;
  netstat.all = letters.all;
  netstat.listening = letters.listening;
  netstat.numeric = letters.numeric;
  netstat.numeric_hosts = letters.numeric_hosts;
  netstat.numeric_ports = letters.numeric_ports;
  netstat.numeric_users = letters.numeric_users;
  netstat.programs = letters.processes;
  netstat.extended = static_cast<int>(std::count_if(letters.given.begin(), letters.given.end(), [](const auto& given) {
    return given.first->value == &Letters::extended;
  }));
  netstat.timers = letters.timers;
  netstat.wide = letters.wide;
  netstat.groups = letters.groups;
  netstat.interfaces = letters.interfaces;
  netstat.routes = letters.routes;
  netstat.statistics = letters.statistics;
  return netstat;
}

render::LsofOptions lsof_options(const Letters& letters) {
  render::LsofOptions lsof;
  lsof.tcp = letters.tcp;
  lsof.udp = letters.udp;
  lsof.ipv4 = letters.ipv4;
  lsof.ipv6 = letters.ipv6;
  lsof.unix_sockets = letters.unix_sockets;
  return lsof;
}

analyze::HostFamily host_family(const Letters& letters) {
  const bool ip_tables = letters.tcp || letters.udp || letters.udplite || letters.raw || letters.dccp || letters.sctp || letters.mptcp;
  bool unix_sockets = letters.unix_sockets, ipv4 = letters.ipv4, ipv6 = letters.ipv6, others = letters.packet || letters.vsock;
  for (const auto& [row, word] : letters.given) {
    if (row->word_name == nullptr) continue;
    const bool is_family = !is_query(*row);
    unix_sockets |= is_family && word == "unix";
    ipv4 |= is_family && word == "inet";
    ipv6 |= is_family && word == "inet6";
    others |= !is_family;
  }
  if (letters.packet && !ip_tables && !unix_sockets && letters.given.size() == 1) return analyze::HostFamily::link;
  if (unix_sockets && !ip_tables && !ipv4 && !ipv6 && !others) return analyze::HostFamily::unix_name;
  if (unix_sockets || others || ipv4 == ipv6) return analyze::HostFamily::any;
  return ipv4 ? analyze::HostFamily::inet : analyze::HostFamily::inet6;
}

}  // namespace ssnap::cli
