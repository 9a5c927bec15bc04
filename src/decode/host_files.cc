#include "decode/host_files.h"

#include <algorithm>
#include <cstdint>

#include "base/text_cursor.h"
#include "decode/describe.h"
#include "decode/row_limits.h"

namespace ssnap::decode {
namespace {

// More local users than any passwd holds; the limit only keeps a made-up file from filling memory.
constexpr std::size_t kMaxUsers = std::size_t{1} << 20;
// 65536 ports of a few protocols have not that many names.
constexpr std::size_t kMaxServices = std::size_t{1} << 20;
constexpr std::size_t kMaxServiceAliases = 64;
// Many times what IANA has assigned.
constexpr std::size_t kMaxNames = std::size_t{1} << 18;
// Colons of a whole passwd line: name, password, uid, gid, gecos, home, shell.
constexpr std::ptrdiff_t kPasswdColons = 6;

// root:x:0:0:root:/root:/bin/bash
// The uid must be followed by a colon, so that a line cut inside it isn't read as a smaller number.
std::optional<PasswdRow> read_passwd_row(std::string_view line) {
  const std::size_t name_end = line.find(':');
  if (name_end == 0 || name_end == std::string_view::npos) return std::nullopt;
  const std::size_t password_end = line.find(':', name_end + 1);
  if (password_end == std::string_view::npos) return std::nullopt;
  const std::size_t uid_end = line.find(':', password_end + 1);
  if (uid_end == std::string_view::npos) return std::nullopt;
  const auto uid =
      base::parse_integer<std::uint32_t>(line.substr(password_end + 1, uid_end - password_end - 1));
  if (!uid) return std::nullopt;
  return PasswdRow{std::string(line.substr(0, name_end)), *uid};
}

// https\t\t443/tcp\t\twww-ssl\t# comment
std::optional<ServicesRow> read_services_row(std::string_view line) {
  base::TextCursor cursor(line);
  ServicesRow row;
  const auto name = cursor.word(), port = cursor.word();
  if (!name || !port) return std::nullopt;
  const auto slash = port->find('/');
  if (slash == std::string_view::npos || slash + 1 == port->size()) return std::nullopt;
  const auto number = base::parse_integer<std::uint16_t>(port->substr(0, slash));
  if (!number) return std::nullopt;
  row.name = *name;
  row.port = *number;
  row.protocol = port->substr(slash + 1);
  while (const auto alias = cursor.word()) {
    if (row.aliases.size() == kMaxServiceAliases) break;
    row.aliases.emplace_back(*alias);
  }
  return row;
}

bool is_passed_over(std::string_view line) {
  return line.empty() || line.starts_with('#') || line.starts_with('+') || line.starts_with('-');
}

}  // namespace

base::Decoded<IpProtocolRow> decode_protocols(std::string_view bytes) {
  base::Decoded<IpProtocolRow> decoded;
  base::LineReader lines(bytes);
  while (const auto line = lines.next()) {
    const std::string_view text = line->text.substr(0, line->text.find('#'));
    base::TextCursor cursor(text);
    const auto name = cursor.word();
    if (!name) continue;
    if (decoded.rows.size() == kMaxNames) {
      decoded.problems.add(line->offset, "expected at most " + std::to_string(kMaxNames) +
                                             " names, found more; the rest is left out");
      break;
    }
    const auto number = cursor.decimal<std::uint32_t>();
    // A last line without its newline may be cut, unless something stands behind what is read of it.
    const bool is_cut = !line->complete && cursor.offset() == line->text.size();
    if (number && !is_cut) decoded.rows.push_back({std::string(at_most(kMaxNameBytes, *name, "a protocol's name", line->offset, decoded.problems)), *number});
    else decoded.problems.add(line->offset, expected_found("NAME NUMBER", line->text, "line skipped"));
  }
  return decoded;
}

base::Decoded<PasswdRow> decode_passwd(std::string_view bytes) {
  base::Decoded<PasswdRow> decoded;
  base::LineReader lines(bytes);
  while (const auto line = lines.next()) {
    if (is_passed_over(line->text)) continue;
    // The file is written by hand, too: its last line may lack the newline, but then it must have all its
    // fields.
    if (!line->complete && std::count(line->text.begin(), line->text.end(), ':') < kPasswdColons) {
      decoded.problems.add(line->offset,
                           expected_found("seven fields in the last line", line->text, "line skipped"));
      break;
    }
    if (decoded.rows.size() == kMaxUsers) {
      decoded.problems.add(line->offset, "expected at most " + std::to_string(kMaxUsers) +
                                             " users, found more; the rest is left out");
      break;
    }
    auto row = read_passwd_row(line->text);
    if (row) {
      row->name.resize(at_most(kMaxNameBytes, row->name, "a user's name", line->offset, decoded.problems).size());
      decoded.rows.push_back(std::move(*row));
    } else {
      decoded.problems.add(line->offset, expected_found("NAME:PASSWORD:UID:...", line->text, "line skipped"));
    }
  }
  return decoded;
}

base::Decoded<ServicesRow> decode_services(std::string_view bytes) {
  base::Decoded<ServicesRow> decoded;
  base::LineReader lines(bytes);
  while (const auto line = lines.next()) {
    const std::string_view text = line->text.substr(0, line->text.find('#'));
    if (text.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    if (decoded.rows.size() == kMaxServices) {
      decoded.problems.add(line->offset, "expected at most " + std::to_string(kMaxServices) +
                                             " services, found more; the rest is left out");
      break;
    }
    auto row = read_services_row(text);
    if (row) row->name.resize(at_most(kMaxNameBytes, row->name, "a service's name", line->offset, decoded.problems).size());
    if (row) decoded.rows.push_back(std::move(*row));
    else decoded.problems.add(line->offset, expected_found("NAME PORT/PROTOCOL", text, "line skipped"));
  }
  return decoded;
}

// 32768\t60999
std::optional<LocalPortRange> decode_ip_local_port_range(std::string_view bytes) {
  base::LineReader lines(bytes);
  const auto line = lines.next();
  // A line without its newline may lack digits.
  if (!line || !line->complete) return std::nullopt;
  base::TextCursor cursor(line->text);
  const auto first = cursor.decimal<std::uint16_t>(), last = cursor.decimal<std::uint16_t>();
  if (!first || !last || cursor.word()) return std::nullopt;
  return LocalPortRange{*first, *last};
}

namespace {

// The one number of a line of /proc/stat.
template <class T>
std::optional<T> stat_number(std::string_view bytes, std::string_view key) {
  base::LineReader lines(bytes);
  while (const auto line = lines.next()) {
    base::TextCursor cursor(line->text);
    if (cursor.word() != key) continue;
    const auto number = cursor.decimal<T>();
    // A line without its newline may lack digits.
    if (!line->complete || cursor.word()) return std::nullopt;
    return number;
  }
  return std::nullopt;
}

}  // namespace

// btime 1795290127
std::optional<std::int64_t> decode_proc_stat_btime(std::string_view bytes) { return stat_number<std::int64_t>(bytes, "btime"); }

// processes 4570
std::optional<std::uint64_t> decode_proc_stat_processes(std::string_view bytes) { return stat_number<std::uint64_t>(bytes, "processes"); }

// 0.19 4.01 7.36 10/151 4568
std::optional<std::uint64_t> decode_proc_loadavg_threads(std::string_view bytes) {
  base::TextCursor cursor(bytes);
  for (int i = 0; i < 3; ++i) (void)cursor.word();
  const auto word = cursor.word();
  // Another word follows: this one is whole.
  if (!word || word->find('/') == std::string_view::npos || !cursor.word()) return std::nullopt;
  return base::parse_integer<std::uint64_t>(word->substr(word->find('/') + 1));
}

std::optional<std::int64_t> decode_proc_loadavg_last_pid(std::string_view bytes) {
  base::TextCursor cursor(bytes.substr(0, bytes.find('\n')));
  for (int i = 0; i < 4; ++i) (void)cursor.word();
  const auto last = cursor.decimal<std::int64_t>();
  return bytes.ends_with('\n') && last && *last >= 0 ? last : std::nullopt;
}

// 4711.05 9000.99
std::optional<std::int64_t> decode_proc_uptime_csec(std::string_view bytes) {
  constexpr std::int64_t kMaxSeconds = INT64_MAX / 100 - 1;  // so that hundredths fit
  const std::size_t end = bytes.find_first_of(" \n");
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view field = bytes.substr(0, end);
  const std::size_t point = field.find('.');
  if (point == std::string_view::npos) return std::nullopt;
  const auto seconds = base::parse_integer<std::uint64_t>(field.substr(0, point));
  const std::string_view fraction = field.substr(point + 1);
  const auto hundredths = base::parse_integer<std::uint8_t>(fraction);
  if (!seconds || *seconds > kMaxSeconds || !hundredths || fraction.size() != 2) return std::nullopt;
  return static_cast<std::int64_t>(*seconds) * 100 + *hundredths;
}

}  // namespace ssnap::decode
