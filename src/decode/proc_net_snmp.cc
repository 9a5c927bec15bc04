#include "decode/proc_net_snmp.h"

#include <optional>

#include "decode/text_row.h"

namespace ssnap::decode {
namespace {

std::optional<std::uint64_t> parse_counter(std::string_view field) {
  if (const auto value = base::parse_integer<std::uint64_t>(field)) return value;
  const auto negative = base::parse_integer<std::int64_t>(field);
  return negative ? std::optional<std::uint64_t>(static_cast<std::uint64_t>(*negative)) : std::nullopt;
}

}  // namespace

// Udp: InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors SndbufErrors InCsumErrors IgnoredMulti MemErrors
// Udp: 439 0 0 441 0 0 0 0 0
// Linux 2.6.18 to 7.2; titles are added with almost every version.
base::Decoded<ProcNetSnmpSection> decode_proc_net_snmp(std::string_view bytes) {
  std::optional<base::Line> titles;
  std::uint64_t count = 0;
  auto decoded = decode_lines<ProcNetSnmpSection>(bytes, {}, [&](const base::Line& line, base::Decoded<ProcNetSnmpSection>& out) {
    if (line.text.empty()) return;  // the first line of netstat in 2.6
    if (!titles) {
      titles = line;
      return;
    }
    base::Problems ignored;
    RowReader keys(*titles, ignored), values(line, out.problems);
    const std::uint64_t offset = titles->offset;
    titles.reset();
    std::string_view name, again;
    if (!keys.word("", name) || name.size() < 2 || name.back() != ':' || !values.word("the name of the line before", again)) {
      values.fail("after a line of titles its values", {});
      return;
    }
    if (name != again) {
      values.fail("the name of the line before", again);
      return;
    }
    ProcNetSnmpSection section;
    section.name = name.substr(0, name.size() - 1);
    section.offset = offset;
    while (const auto key = keys.next()) {
      std::uint64_t value = 0;
      if (!values.take("a decimal number for each title", value, parse_counter)) break;
      if (++count > kMaxRows) {
        values.fail("no more than " + std::to_string(kMaxRows) + " values", *key);
        break;
      }
      section.values.emplace_back(*key, value);
    }
    out.rows.push_back(std::move(section));
  });
  if (titles && decoded.problems.empty()) decoded.problems.add(titles->offset, expected_found("a line of values after that of titles", {}, "section skipped"));
  return decoded;
}

// Ip6InReceives                   	5
// Linux 2.6.18 to 7.2.
base::Decoded<ProcNetSnmpSection> decode_proc_net_snmp6(std::string_view bytes) {
  ProcNetSnmpSection section;
  auto decoded = decode_lines<ProcNetSnmpSection>(bytes, {}, [&](const base::Line& line, base::Decoded<ProcNetSnmpSection>& out) {
    RowReader reader(line, out.problems);
    std::string_view key;
    std::uint64_t value = 0;
    if (!reader.word("a name", key) || !reader.take("a decimal number", value, parse_counter)) return;
    if (section.values.size() == kMaxRows) {
      reader.fail("no more than " + std::to_string(kMaxRows) + " values", key);
      return;
    }
    section.values.emplace_back(key, value);
  });
  if (!section.values.empty()) decoded.rows.push_back(std::move(section));
  return decoded;
}

}  // namespace ssnap::decode
