#include "analyze/filter_host.h"
#include "analyze/filter_syntax.h"
#include "support/catch.h"

using namespace ssnap;
using namespace ssnap::analyze;

namespace {

base::Result<FilterSyntax> parse(const std::vector<std::string>& words) { return parse_filter(words); }

std::string error_of(const std::vector<std::string>& words) {
  const auto syntax = parse(words);
  return syntax.has_error() ? syntax.error().message : "";
}

// "([0 and 1] or not [2])": groups and their order, predicates by number.
std::string shape(const FilterSyntax& syntax, std::uint32_t group = 0) {
  std::string out = "(";
  for (const Term& term : syntax.groups.at(group)) {
    if (out.size() > 1) out += term.by_or ? " or " : " and ";
    if (term.negated) out += "not ";
    out += term.is_group ? shape(syntax, term.index) : std::to_string(term.index);
  }
  return out + ")";
}

}  // namespace

TEST_CASE("operators are read from left to right, as ss reads them") {
  struct Case {
    std::vector<std::string> words;
    std::string shape;
  };
  const std::vector<Case> cases{
      {{"autobound"}, "(0)"},
      {{"autobound", "autobound"}, "(0 and 1)"},
      {{"autobound", "and", "autobound"}, "(0 and 1)"},
      {{"autobound", "&", "autobound", "&&", "autobound"}, "(0 and 1 and 2)"},
      {{"autobound", "or", "autobound", "|", "autobound", "||", "autobound"}, "(0 or 1 or 2 or 3)"},
      {{"autobound or autobound and autobound"}, "(0 or 1 and 2)"},
      {{"not", "autobound", "autobound"}, "(not 0 and 1)"},
      {{"!", "autobound"}, "(not 0)"},
      {{"!autobound"}, "(not 0)"},
      {{"! ! not autobound"}, "(not 0)"},
      {{"(", "autobound", ")"}, "((0))"},
      {{"(autobound)"}, "((0))"},
      {{"!(autobound)"}, "(not (0))"},
      {{"not(autobound)or(autobound)"}, "(not (0) or (1))"},
      {{"(autobound)&&!(autobound)||autobound"}, "((0) and not (1) or 2)"},
      {{"(pid 1)and!(pid=2)or(pid=3)"}, "((0) and not (1) or (2))"},
      {{"((sport", "=", ":80)", "or", "(dport", "=", ":80))"}, "(((0) or (1)))"},
      {{"autobound (autobound or autobound) autobound"}, "(0 and (1 or 2) and 3)"},
      // States come first in ss and apply to all of what follows.
      {{"state", "listening"}, "(0)"},
      {{"state", "listening", "autobound", "or", "autobound"}, "(0 and (1 or 2))"},
      {{"state", "listening", "state", "closed", "exclude", "all"}, "(0)"},
      // Beyond ss they are conditions like others.
      {{"state", "listening", "and", "autobound", "or", "autobound"}, "(0 and 1 or 2)"},
      {{"state", "listening", "or", "state", "closed"}, "(0 or 1)"},
      {{"(state listening) autobound"}, "((0) and 1)"},
      {{"autobound", "state", "listening"}, "(0 and 1)"},
      {{"not", "state", "listening"}, "(not 0)"},
  };
  for (const auto& row : cases) {
    INFO(row.words.front());
    const auto syntax = parse(row.words);
    REQUIRE_FALSE(syntax.has_error());
    CHECK(shape(*syntax) == row.shape);
  }
}

TEST_CASE("no words are no filter") {
  for (const auto& words : {std::vector<std::string>{}, {""}, {" ", "\t"}}) {
    const auto syntax = parse(words);
    REQUIRE_FALSE(syntax.has_error());
    CHECK(syntax->groups.empty());
    CHECK(syntax->predicates.empty());
  }
}

TEST_CASE("every operator and its words") {
  const std::vector<std::pair<std::string, Comparison>> operators{
      {"=", Comparison::equal},       {"==", Comparison::equal},         {"eq", Comparison::equal},
      {"!=", Comparison::not_equal},  {"ne", Comparison::not_equal},     {"neq", Comparison::not_equal},
      {"<", Comparison::less},        {"lt", Comparison::less},          {"<=", Comparison::less_equal},
      {"le", Comparison::less_equal}, {"leq", Comparison::less_equal},   {">", Comparison::greater},
      {"gt", Comparison::greater},    {">=", Comparison::greater_equal}, {"ge", Comparison::greater_equal},
      {"geq", Comparison::greater_equal}};
  for (const auto& [word, comparison] : operators) {
    INFO(word);
    std::vector<std::vector<std::string>> spellings{{"pid", word, "7"}, {"pid " + word + " 7"}};
    if (word.find_first_of("=<>") != std::string::npos)
      spellings.insert(spellings.end(), {{"pid" + word + "7"}, {"pid" + word, "7"}, {"pid", word + "7"}});
    for (const auto& words : spellings) {
      const auto syntax = parse(words);
      REQUIRE_FALSE(syntax.has_error());
      REQUIRE(syntax->predicates.size() == 1);
      CHECK(syntax->predicates[0].comparison == comparison);
      CHECK(syntax->predicates[0].number == 7u);
    }
  }
  const auto without = parse({"pid", "7"});
  REQUIRE_FALSE(without.has_error());
  CHECK(without->predicates[0].comparison == Comparison::equal);
}

TEST_CASE("a backslash takes the meaning from what follows it, and a name keeps its own parentheses") {
  struct Case {
    std::vector<std::string> words;
    std::string value;
  };
  const std::vector<Case> cases{
      {{"comm", "Web\\ Content"}, "Web Content"},
      {{"comm", "a\\\\b"}, "a\\b"},
      {{"comm", "a\\"}, "a\\"},
      {{"comm", "\\(sd-pam\\)"}, "(sd-pam)"},
      {{"comm", "(sd-pam)"}, "(sd-pam)"},
      {{"(comm", "(sd-pam))"}, "(sd-pam)"},
      {{"comm", "a)"}, "a)"},
      {{"(comm", "a)"}, "a"},
      {{"(comm", "a\\))"}, "a)"},
      {{"comm", "=", "=cmd()"}, "=cmd()"},
      {{"comm", "\\=cmd()"}, "=cmd()"},
      {{"comm", "\\eq"}, "eq"},
      {{"comm", "=", "and"}, "and"},
      {{"comm", "x=y"}, "x=y"},
  };
  for (const auto& row : cases) {
    INFO(row.words.back());
    const auto syntax = parse(row.words);
    REQUIRE_FALSE(syntax.has_error());
    REQUIRE(syntax->predicates.size() == 1);
    CHECK(syntax->predicates[0].text == row.value);
  }
}

TEST_CASE("an error names the word, its place, and what was expected") {
  struct Case {
    std::vector<std::string> words;
    std::string message;  // its beginning
  };
  const std::vector<Case> cases{
      {{"dport", "=", ":80", "and", "sprt", "=", ":80"},
       "filter: 'sprt' at word 5, after '= :80 and': expected state, exclude, excl, src, dst, sport, dport, "},
      {{"dport = :80", "and sprt"}, "filter: 'sprt' at word 5, after '= :80 and': expected state, "},
      {{"sprt"}, "filter: 'sprt' at word 1: expected state, "},
      {{"sportx=:80"}, "filter: 'sportx' at word 1: expected state, "},
      {{"SPORT", ":80"}, "filter: 'SPORT' at word 1: expected state, "},
      {{"spo\\rt", ":80"}, "filter: 'sport' at word 1: expected state, "},
      {{"dport"}, "filter: it ends after 'dport': expected [FAMILY:]:PORT"},
      {{"dport", ">="}, "filter: it ends after 'dport >=': expected [FAMILY:]:PORT"},
      {{"dport", "!"}, "filter: '!' at word 2, after 'dport': expected =, !=, <, <=, > or >="},
      {{"dport", "10.0.0.1:80"}, "filter: '10.0.0.1:80' at word 2, after 'dport': expected [FAMILY:]:PORT; for an address, src or dst"},
      {{"dport", ">", "*"}, "filter: '*' at word 3, after 'dport >': expected a port to compare with"},
      {{"dport", ":http x"}, "filter: 'x' at word 3, after 'dport :http': expected state, "},
      {{"src", "localhost"}, "filter: 'localhost' at word 2, after 'src': expected an address[/PREFIX][:PORT]; names are not resolved"},
      {{"src", "10.0.0.1/33"}, "filter: '10.0.0.1/33' at word 2"},
      {{"src", "10.0.0.1/255.0.255.0"}, "filter: '10.0.0.1/255.0.255.0' at word 2"},
      {{"src", "[::1"}, "filter: '[::1' at word 2"},
      {{"src", "inet:::1"}, "filter: 'inet:::1' at word 2, after 'src': expected an IPv4 address[/PREFIX][:PORT]"},
      {{"src", "inet6:10.0.0.1"}, "filter: 'inet6:10.0.0.1' at word 2, after 'src': expected an IPv6 address[/PREFIX] in brackets[:PORT]"},
      {{"src", "link:nothing"}, "filter: 'link:nothing' at word 2, after 'src': expected link:ETHERNET-PROTOCOL[:INTERFACE]"},
      {{"src", "netlink:nothing"}, "filter: 'netlink:nothing' at word 2, after 'src': expected netlink:PROTOCOL[:PORT-ID]"},
      {{"src", "netlink:rtnl:me"}, "filter: 'netlink:rtnl:me' at word 2"},
      {{"src", "vsock:host"}, "filter: 'vsock:host' at word 2, after 'src': expected vsock:CID[:PORT]"},
      {{"src", "<", "10.0.0.1"}, "filter: '<' at word 2, after 'src': expected = or !=, which is all that src has"},
      {{"state", "fin-wait-3"}, "filter: 'fin-wait-3' at word 2, after 'state': expected all, connected, synchronized, "},
      {{"state"}, "filter: it ends after 'state': expected all, connected, "},
      {{"fwmark", "1/x"}, "filter: '1/x' at word 2, after 'fwmark': expected MARK or MARK/MASK"},
      {{"fwmark", "0x100000000"}, "filter: '0x100000000' at word 2"},
      {{"pid", "init"}, "filter: 'init' at word 2, after 'pid': expected a number"},
      {{"pid", "-1"}, "filter: '-1' at word 2"},
      {{"owners", ">", "09"}, "filter: '09' at word 3"},
      {{"reason", "none"}, "filter: 'none' at word 2, after 'reason': expected time-wait, request, orphan, kernel, "},
      {{"via", "magic"}, "filter: 'magic' at word 2, after 'via': expected fd, thread-fd, io_uring, "},
      {{"proto", "tpc"}, "filter: 'tpc' at word 2, after 'proto': expected a protocol"},
      {{"comm", "<", "a"}, "filter: '<' at word 2, after 'comm': expected = or !="},
      {{"(", "autobound"}, "filter: it ends after '( autobound': expected and, or, a condition, or )"},
      {{"autobound", ")"}, "filter: ')' at word 2, after 'autobound': expected and, or, or a condition: this ) was never opened"},
      {{"()"}, "filter: ')' at word 1: expected state, "},
      {{"( comm )"}, "filter: ')' at word 3, after '( comm': expected a process's name"},
      {{"not"}, "filter: it ends after 'not': expected state, "},
      {{"autobound", "or"}, "filter: it ends after 'autobound or': expected state, "},
      {{"and", "autobound"}, "filter: 'and' at word 1: expected state, "},
      {{"autobound and and autobound"}, "filter: 'and' at word 3, after 'autobound and': expected state, "},
      {{"inode", std::string(100, 'x')}, "filter: '" + std::string(60, 'x') + "...' at word 2, after 'inode': expected a number"},
  };
  for (const auto& row : cases) {
    INFO(row.message);
    const std::string message = error_of(row.words);
    INFO(message);
    CHECK(message.starts_with(row.message));
  }
}

TEST_CASE("what is too long or too deep is refused by its limit's name") {
  const auto repeated = [](const std::string& word, std::size_t times) { return std::vector<std::string>(times, word); };
  CHECK_FALSE(parse(repeated("autobound", kMaxFilterPredicates)).has_error());
  CHECK(error_of(repeated("autobound", kMaxFilterPredicates + 1)).find("at most 10000 conditions") != std::string::npos);

  const auto nested = [](std::size_t depth) {
    return std::vector<std::string>{std::string(depth, '(') + "autobound" + std::string(depth, ')')};
  };
  CHECK_FALSE(parse(nested(kMaxFilterDepth)).has_error());
  CHECK(error_of(nested(kMaxFilterDepth + 1)).find("at most 100 parentheses within each other") != std::string::npos);
  // Parentheses one after the other are not deep.
  CHECK_FALSE(parse(repeated("(autobound)", 1000)).has_error());
  CHECK_FALSE(parse({std::string(4000, '!') + "autobound"}).has_error());

  CHECK_FALSE(parse({"exe", std::string(kMaxFilterWordBytes, 'a')}).has_error());
  CHECK(error_of({"exe", std::string(kMaxFilterWordBytes + 1, 'a')}).find("at most 4096 bytes in a word") != std::string::npos);
}

TEST_CASE("IPv6 addresses, and what is none") {
  const std::vector<std::pair<std::string, std::string>> good{
      {"::", "::"},
      {"::1", "::1"},
      {"1::", "1::"},
      {"1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"},
      {"2001:DB8::5", "2001:db8::5"},
      {"fe80::1:2", "fe80::1:2"},
      {"1::8", "1::8"},
      {"::ffff:10.0.0.1", "::ffff:10.0.0.1"},
      {"1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"},
      {"1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"},
      {"::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"},
  };
  for (const auto& [text, shown] : good) {
    INFO(text);
    const auto address = parse_ipv6(text);
    REQUIRE(address);
    CHECK(address->to_string() == shown);
  }
  for (const char* text : {"", ":", ":::", "1", "1:2", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2::3", "12345::", "g::", "1:", ":1",
                           "1:2:3:4:5:6:7:8::", "::1:2:3:4:5:6:7:8", "::1.2.3", "::1.2.3.4.5", "::256.1.1.1", "1.2.3.4", "::1.2.3.4:5",
                           "1:2:3:4:5:6:7:1.2.3.4", "::1 ", "::1%lo", "::-1"})
    CHECK_FALSE(parse_ipv6(text));
}

TEST_CASE("hosts are taken apart as ss takes them apart") {
  struct Case {
    std::string text;
    HostFamily family;
    std::string address;  // "": any
    unsigned bits;
    std::optional<std::int64_t> port;
    std::string port_name;
  };
  const std::vector<Case> cases{
      {"10.0.0.1", HostFamily::any, "10.0.0.1", 32, {}, ""},
      {"10.0.0.1:80", HostFamily::any, "10.0.0.1", 32, 80, ""},
      {"10.0.0.1:*", HostFamily::any, "10.0.0.1", 32, {}, ""},
      {"10.0.0.1:", HostFamily::any, "10.0.0.1", 32, {}, ""},
      {"10.0.0.1:http", HostFamily::any, "10.0.0.1", 32, {}, "http"},
      {"10/8", HostFamily::any, "10.0.0.0", 8, {}, ""},
      {"193.233.7/24", HostFamily::any, "193.233.7.0", 24, {}, ""},
      {"10.0.0.0/8:0x50", HostFamily::any, "10.0.0.0", 8, 80, ""},
      {"10.0.0.0/255.255.0.0", HostFamily::any, "10.0.0.0", 16, {}, ""},
      {"0.0.0.0/0", HostFamily::any, "0.0.0.0", 0, {}, ""},
      {"*", HostFamily::any, "", 0, {}, ""},
      {"*:80", HostFamily::any, "", 0, 80, ""},
      {":80", HostFamily::any, "", 0, 80, ""},
      {"any", HostFamily::any, "", 0, {}, ""},
      {"default:22", HostFamily::any, "", 0, 22, ""},
      {"inet:*:80", HostFamily::inet, "", 0, 80, ""},
      {"inet:10.0.0.1", HostFamily::inet, "10.0.0.1", 32, {}, ""},
      {"inet6:[::1]:80", HostFamily::inet6, "::1", 128, 80, ""},
      {"inet6::80", HostFamily::inet6, "", 0, 80, ""},
      {"[::1]", HostFamily::any, "::1", 128, {}, ""},
      {"[::1]:https", HostFamily::any, "::1", 128, {}, "https"},
      {"[fe80::/10]:80", HostFamily::any, "fe80::", 10, 80, ""},
      {"[fe80::]/10", HostFamily::any, "fe80::", 10, {}, ""},
      {"fe80::/10", HostFamily::any, "fe80::", 10, {}, ""},
      {"fe80::/ffc0::", HostFamily::any, "fe80::", 10, {}, ""},
      {"fe80::/10:80", HostFamily::any, "fe80::", 10, 80, ""},
      {"::1", HostFamily::any, "::1", 128, {}, ""},
      {"fe80::1", HostFamily::any, "fe80::1", 128, {}, ""},
      {"fe80::1:80", HostFamily::any, "fe80::1", 128, 80, ""},  // so it is to ss; brackets are clear
  };
  for (const auto& row : cases) {
    INFO(row.text);
    const auto host = parse_host(row.text, HostFamily::any);
    REQUIRE_FALSE(host.has_error());
    CHECK(host->family == row.family);
    CHECK((host->address ? host->address->to_string() : "") == row.address);
    CHECK(host->prefix_bits == row.bits);
    CHECK(host->port == row.port);
    CHECK(host->port_name == row.port_name);
    CHECK_FALSE(host->pattern);
  }
}

TEST_CASE("hosts of the other families") {
  const auto unix_path = parse_host("unix:/tmp/.X11-unix/*", HostFamily::any);
  REQUIRE_FALSE(unix_path.has_error());
  CHECK(unix_path->pattern == "/tmp/.X11-unix/*");
  CHECK(parse_host("/run/x:1", HostFamily::any)->pattern == "/run/x:1");
  CHECK(parse_host("@abstract", HostFamily::any)->pattern == "@abstract");
  CHECK(parse_host("10.0.0.1", HostFamily::unix_name)->pattern == "10.0.0.1");
  CHECK(parse_host("inet:10.0.0.1", HostFamily::unix_name)->family == HostFamily::inet);
  CHECK(parse_host("unix:", HostFamily::any)->pattern == "");

  const auto link = parse_host("link:IPv6:eth0", HostFamily::any);
  REQUIRE_FALSE(link.has_error());
  CHECK(link->number == 0x86ddu);
  CHECK(link->port_name == "eth0");
  CHECK(parse_host("link:0x88cc:3", HostFamily::any)->number == 0x88ccu);
  CHECK(parse_host("link:*:3", HostFamily::any)->port == 3);
  CHECK_FALSE(parse_host("link:*:3", HostFamily::any)->number);

  const auto netlink = parse_host("netlink:rtnl:kernel", HostFamily::any);
  REQUIRE_FALSE(netlink.has_error());
  CHECK(netlink->number == 0u);
  CHECK(netlink->port == 0);
  CHECK(parse_host("netlink:route", HostFamily::any)->number == 0u);
  CHECK(parse_host("netlink:16:-4160", HostFamily::any)->port == -4160);

  const auto vsock = parse_host("vsock:2:1024", HostFamily::any);
  REQUIRE_FALSE(vsock.has_error());
  CHECK(vsock->number == 2u);
  CHECK(vsock->port == 1024);
  CHECK(parse_host("vsock:4294967295", HostFamily::any)->number == 4294967295u);
  CHECK(parse_host("vsock:4294967296", HostFamily::any).has_error());
}

TEST_CASE("ports, with and without their colon and family") {
  for (const char* text : {"80", ":80", "inet::80", "inet:80", ":0x50", ":0120"}) {
    INFO(text);
    const auto port = parse_port(text, HostFamily::any);
    REQUIRE_FALSE(port.has_error());
    CHECK(port->port == 80);
  }
  CHECK(parse_port(":https", HostFamily::any)->port_name == "https");
  CHECK_FALSE(parse_port(":*", HostFamily::any)->port);
  CHECK(parse_port("link::eth0", HostFamily::any)->port_name == "eth0");
  CHECK(parse_port("netlink:kernel", HostFamily::any)->port == 0);
  CHECK(parse_port(":123", HostFamily::unix_name)->port == 123);
  CHECK(parse_port("/run/*", HostFamily::unix_name)->pattern == "/run/*");
  CHECK(parse_port("vsock::x", HostFamily::any).has_error());
}
