#include "decode/byte_order_signs.h"

#include <algorithm>

#include "base/text_cursor.h"
#include "decode/hex_address.h"

namespace ssnap::decode {
namespace {

using base::ByteOrder;
using std::string_view;

// Rows of one table that are looked at: the first ones tell, or none does.
constexpr std::size_t kMaxRowsLookedAt = 100'000;
// Each is compared with each socket: the first ones tell.
constexpr std::size_t kMaxInterfaceAddresses = 64;

enum class Kind { sockets, routes, groups, interfaces };
struct Table {
  string_view name;
  Kind kind;
};
constexpr Table kTables[] = {
    {"tcp", Kind::sockets},  {"tcp6", Kind::sockets}, {"udp", Kind::sockets},   {"udp6", Kind::sockets},
    {"raw", Kind::sockets},  {"raw6", Kind::sockets}, {"icmp", Kind::sockets},  {"icmp6", Kind::sockets},
    {"udplite", Kind::sockets}, {"udplite6", Kind::sockets}, {"route", Kind::routes}, {"igmp", Kind::groups},
    {"if_inet6", Kind::interfaces}};

const Table* find_table(string_view member) {
  const string_view name = member.substr(member.rfind('/') + 1);
  const auto at = std::find_if(std::begin(kTables), std::end(kTables), [&](const Table& table) { return table.name == name; });
  return at == std::end(kTables) ? nullptr : at;
}

std::optional<std::uint32_t> word_of(string_view digits) {
  return digits.size() == 8 ? base::parse_integer<std::uint32_t>(digits, 16) : std::nullopt;
}

constexpr std::uint32_t swapped(std::uint32_t word) {
  return word << 24 | (word & 0xff00) << 8 | (word >> 8 & 0xff00) | word >> 24;
}

// Ones, then zeros.
constexpr bool is_netmask(std::uint32_t mask) { return ((~mask + 1) & ~mask) == 0; }
constexpr bool is_multicast(std::uint32_t address) { return address >> 28 == 0xe; }

}  // namespace

struct ByteOrderSigns::Place {
  string_view member;
  std::uint64_t offset;
};

bool ByteOrderSigns::is_told_by(string_view table) { return find_table(table) != nullptr; }

ByteOrder ByteOrderSigns::order() const { return big_.count > little_.count ? ByteOrder::big : ByteOrder::little; }

void ByteOrderSigns::add(ByteOrder order, const Place& place, string_view word, string_view meaning) {
  Side& side = order == ByteOrder::little ? little_ : big_;
  if (side.count++ == 0) side.first = ByteOrderSign{std::string(place.member), place.offset, std::string(word), std::string(meaning)};
}

// Of sockets only the own end: the other one anybody may have chosen. A big-endian host prints 127.0.0.1 as 7F000001, which
// a little-endian one would as 1.0.0.127.
void ByteOrderSigns::look_at_socket(const Place& place, string_view local) {
  const string_view digits = local.substr(0, local.find(':'));
  if (digits.size() == 32) return look_at_local6(place, digits);
  const auto word = word_of(digits);
  if (!word) return;
  constexpr std::uint32_t kLoopback = 0x7f000001;
  matters_ |= *word != swapped(*word);
  if (*word == kLoopback) add(ByteOrder::big, place, digits, "127.0.0.1");
  if (*word == swapped(kLoopback)) add(ByteOrder::little, place, digits, "127.0.0.1");
}

void ByteOrderSigns::look_at_local6(const Place& place, string_view digits) {
  std::array<std::uint32_t, 4> words{};
  bool is_any = true;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const auto word = word_of(digits.substr(i * 8, 8));
    if (!word) return;
    words[i] = *word;
    is_any = is_any && *word == 0;
  }
  if (is_any) return;
  matters_ = true;
  for (const ByteOrder order : {ByteOrder::little, ByteOrder::big}) {
    std::array<std::uint32_t, 4> host = words;  // as numbers, in the order of `order`
    if (order == ByteOrder::little) std::transform(host.begin(), host.end(), host.begin(), swapped);
    if (host[0] == 0 && host[1] == 0 && host[2] == 0 && host[3] == 1) return add(order, place, digits, "::1");
    if (host[0] == 0 && host[1] == 0 && host[2] == 0xffff) return add(order, place, digits, "an IPv4 address in IPv6");
    if (host[0] == 0xfe800000 && host[1] == 0) return add(order, place, digits, "a link-local address");
    Address6 bytes{};
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(host[i / 4] >> 8 * (3 - i % 4));
    if (std::find(interface_addresses_.begin(), interface_addresses_.end(), bytes) != interface_addresses_.end()) return add(order, place, digits, "an address of an interface (if_inet6)");
  }
}

// eth0	0000A8C0	00000000	0001	0	0	0	00FFFFFF	0	0	0
// A mask that reads as ones and zeros in one order only; 0 and FFFFFFFF do in both.
void ByteOrderSigns::look_at_route(const Place& place, string_view line) {
  base::TextCursor cursor(line);
  constexpr int kDestination = 1, kMask = 7;
  string_view field, destination;
  for (int column = 0; column <= kMask; ++column) {
    const auto word = cursor.word();
    if (!word) return;
    field = *word;
    if (column == kDestination) destination = field;
  }
  const auto mask = word_of(field), to = word_of(destination);
  if (!mask || !to) return;
  matters_ |= *mask != swapped(*mask) || *to != swapped(*to);
  if (is_netmask(*mask) == is_netmask(swapped(*mask))) return;
  add(is_netmask(*mask) ? ByteOrder::big : ByteOrder::little, place, field, "a netmask");
}

// A group that is one in one order only: 224.0.0.1, which every interface is in.
void ByteOrderSigns::look_at_group(const Place& place, string_view group) {
  const auto word = word_of(group);
  if (!word) return;
  matters_ |= *word != swapped(*word);
  if (is_multicast(*word) == is_multicast(swapped(*word))) return;
  add(is_multicast(*word) ? ByteOrder::big : ByteOrder::little, place, group, "a multicast group");
}

void ByteOrderSigns::look_at(string_view member, string_view bytes) {
  const Table* table = find_table(member);
  if (table == nullptr) return;
  base::LineReader lines(bytes, base::LineEnd::as_first_line);
  std::size_t rows = 0;
  while (const auto line = lines.next()) {
    if (++rows > kMaxRowsLookedAt) return;
    const Place place{member, line->offset};
    base::TextCursor cursor(line->text);
    const auto first = cursor.word();
    if (!first) continue;
    if (table->kind == Kind::routes) {
      look_at_route(place, line->text);
    } else if (table->kind == Kind::groups) {
      if (line->text.starts_with('\t')) look_at_group(place, *first);
    } else if (table->kind == Kind::sockets) {
      const auto local = cursor.word();
      if (local && first->ends_with(':')) look_at_socket(place, *local);
    } else if (const auto address = hex_address_v6(*first); address && interface_addresses_.size() < kMaxInterfaceAddresses) {
      Address6 known{};
      std::copy_n(address->bytes.begin(), known.size(), known.begin());
      interface_addresses_.push_back(known);
    }
  }
}

}  // namespace ssnap::decode
