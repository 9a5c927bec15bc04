#include "decode/proc_net_inet.h"

#include "base/text_cursor.h"
#include "decode/describe.h"
#include "decode/row_limits.h"
#include "decode/text_row.h"

namespace ssnap::decode {
namespace {

using base::ByteOrder;
using base::parse_integer;
using std::string_view;

// The shortest row that a kernel prints (IPv4, numbers of the width in the format): how many rows to expect.
constexpr std::size_t kMinRowBytes = 100;

// "%08X" of each 32-bit word as the host's integer; exactly 8 digits a word, else nullopt.
std::optional<base::IpAddress> parse_address(string_view digits, ByteOrder order) {
  if (digits.size() != 8 && digits.size() != 32) return std::nullopt;
  base::IpAddress address;
  for (std::size_t word = 0; word * 8 < digits.size(); ++word) {
    const auto value = parse_integer<std::uint32_t>(digits.substr(word * 8, 8), 16);
    if (!value) return std::nullopt;
    for (std::size_t i = 0; i < 4; ++i) {
      const std::size_t shift = 8 * (order == ByteOrder::little ? i : 3 - i);
      address.bytes[word * 4 + i] = static_cast<std::uint8_t>(*value >> shift);
    }
  }
  address.length = static_cast<std::uint8_t>(digits.size() / 2);
  return address;
}

// "LEFT:RIGHT", both hexadecimal.
template <class Left, class Right>
bool parse_hex_pair(string_view field, Left& left, Right& right) {
  const std::size_t colon = field.find(':');
  if (colon == string_view::npos) return false;
  const auto a = parse_integer<Left>(field.substr(0, colon), 16);
  const auto b = parse_integer<Right>(field.substr(colon + 1), 16);
  if (!a || !b) return false;
  left = *a;
  right = *b;
  return true;
}

// "0100007F:1F90"
bool parse_endpoint(string_view field, ByteOrder order, base::IpAddress& address, std::uint16_t& port) {
  const std::size_t colon = field.find(':');
  if (colon == string_view::npos) return false;
  const auto parsed = parse_address(field.substr(0, colon), order);
  const auto number = parse_integer<std::uint16_t>(field.substr(colon + 1), 16);
  if (!parsed || !number) return false;
  address = *parsed;
  port = *number;
  return true;
}

// %5d before 3.12 (uid) and %8d ever since (timeout).
bool parse_int_as_u32(string_view field, std::uint32_t& out) {
  const auto value = decode::parse_int_as_u32(field);
  if (value) out = *value;
  return value.has_value();
}

template <class T>
bool parse_into(string_view field, int number_base, T& out) {
  const auto value = parse_integer<T>(field, number_base);
  if (value) out = *value;
  return value.has_value();
}

// "0:"
bool parse_slot(string_view field, std::uint32_t& slot) {
  return field.size() > 1 && field.back() == ':' && parse_into(field.substr(0, field.size() - 1), 10, slot);
}

// What the ten columns of every kernel are called in a message, and how each is read into the row.
struct Column {
  string_view expected;
  bool (*read)(string_view field, ByteOrder order, ProcNetInetRow& row);
};
constexpr Column kColumns[] = {
    {"sl, a decimal number and ':'",
     [](string_view f, ByteOrder, ProcNetInetRow& r) { return parse_slot(f, r.slot); }},
    {"local_address, 8 or 32 hex digits, ':' and a hex port",
     [](string_view f, ByteOrder o, ProcNetInetRow& r) {
       return parse_endpoint(f, o, r.local, r.local_port);
     }},
    {"rem_address of the same family, ':' and a hex port",
     [](string_view f, ByteOrder o, ProcNetInetRow& r) {
       return parse_endpoint(f, o, r.peer, r.peer_port) && r.peer.length == r.local.length;
     }},
    {"st, a hex byte",
     [](string_view f, ByteOrder, ProcNetInetRow& r) { return parse_into(f, 16, r.state); }},
    {"tx_queue:rx_queue, two hex words",
     [](string_view f, ByteOrder, ProcNetInetRow& r) {
       return parse_hex_pair(f, r.send_queue, r.recv_queue);
     }},
    {"tr:tm->when, a hex byte and a hex number",
     [](string_view f, ByteOrder, ProcNetInetRow& r) {
       return parse_hex_pair(f, r.timer, r.timer_expires_ticks);
     }},
    {"retrnsmt, a hex word",
     [](string_view f, ByteOrder, ProcNetInetRow& r) { return parse_into(f, 16, r.retransmits); }},
    {"uid, a decimal number",
     [](string_view f, ByteOrder, ProcNetInetRow& r) { return parse_int_as_u32(f, r.uid); }},
    {"timeout, a decimal number",
     [](string_view f, ByteOrder, ProcNetInetRow& r) { return parse_int_as_u32(f, r.timeout); }},
    {"inode, a decimal number",
     [](string_view f, ByteOrder, ProcNetInetRow& r) { return parse_into(f, 10, r.inode); }},
};

// TIME_WAIT, and requests: their rows end at the pointer (get_timewait4_sock, get_openreq4).
bool is_mini_row(const ProcNetInetRow& row) {
  constexpr std::uint8_t kTimeWait = 6, kSynRecv = 3;
  return row.inode == 0 && (row.state == kTimeWait || row.state == kSynRecv);
}

// What stands behind `ref` differs from table to table: what isn't as in tcp4_seq_show is passed over.
// 0000000012345678 100 0 0 10 0
// pointer          rto ato qack cwnd ssthresh
void read_tail(base::TextCursor& cursor, ProcNetInetRow& row) {
  row.pointer = cursor.hexadecimal<std::uint64_t>().value_or(0);
  if (is_mini_row(row)) return;  // further columns are a vendor's
  const auto rto = cursor.decimal<std::uint32_t>(), ato = cursor.decimal<std::uint32_t>();
  const auto quick_acks = cursor.decimal<std::uint32_t>(), cwnd = cursor.decimal<std::uint32_t>();
  const auto ssthresh = cursor.decimal<std::int32_t>();
  if (rto && ato && quick_acks && cwnd && ssthresh) row.tcp = {*rto, *ato, *quick_acks, *cwnd, *ssthresh};
}

//    0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1596 1
//    0000000...
//   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref
//   pointer ...
// False where the row can't be kept; that is then a problem.
bool read_row(const base::Line& line, ByteOrder order, ProcNetInetRow& row, base::Problems& problems) {
  base::TextCursor cursor(line.text);
  row.offset = line.offset;
  for (const Column& column : kColumns) {
    const auto field = cursor.word();
    if (!field) {
      problems.add(line.offset + cursor.offset(), expected_found(column.expected, {}, "row skipped"));
      return false;
    }
    if (!column.read(*field, order, row)) {
      problems.add(line.offset + cursor.offset() - field->size(),
                   expected_found(column.expected, *field, "row skipped"));
      return false;
    }
  }
  if (const auto field = cursor.word()) {
    row.ref_count = parse_integer<std::uint32_t>(*field);
    if (!row.ref_count) {
      problems.add(line.offset + cursor.offset() - field->size(),
                   expected_found("ref, a decimal number", *field, "the row is kept without it"));
    }
  }
  read_tail(cursor, row);
  return true;
}

bool is_header(string_view line) {
  return base::TextCursor(line).word() == "sl";
}

}  // namespace

// tcp4_seq_show (net/ipv4/tcp_ipv4.c), get_tcp6_sock (net/ipv6/tcp_ipv6.c), udp4_format_sock
// (net/ipv4/udp.c),
// __ip6_dgram_sock_seq_show (net/ipv6/datagram.c), raw_sock_seq_show (net/ipv4/raw.c), ping_v4_format_sock
// (net/ipv4/ping.c); Linux 2.6.18 to 6.18 print the same columns up to the inode.
base::Decoded<ProcNetInetRow> decode_proc_net_inet(std::string_view bytes, base::ByteOrder order) {
  base::Decoded<ProcNetInetRow> decoded;
  decoded.rows.reserve(bytes.size() / kMinRowBytes);
  base::LineReader lines(bytes, base::LineEnd::as_first_line);
  while (const auto line = lines.next()) {
    if (!line->complete) {
      read_unended_line(*line, decoded, [order](const base::Line& whole, base::Decoded<ProcNetInetRow>& last) {
        ProcNetInetRow row;
        if (read_row(whole, order, row, last.problems)) last.rows.push_back(row);
      });
      break;
    }
    if (is_header(line->text)) continue;
    if (decoded.rows.size() == kMaxRows) {
      decoded.problems.add(line->offset, "expected at most " + std::to_string(kMaxRows) +
                                             " rows, found more; the rest is left out");
      break;
    }
    ProcNetInetRow row;
    if (read_row(*line, order, row, decoded.problems)) decoded.rows.push_back(row);
  }
  return decoded;
}

}  // namespace ssnap::decode
