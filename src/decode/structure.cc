#include "decode/structure.h"

#include <cstdint>
#include <string>

#include "base/text_cursor.h"
#include "decode/netlink_message.h"
#include "decode/netlink_pcap.h"
#include "decode/sock_diag_dump.h"

namespace ssnap::decode {
namespace {

constexpr std::size_t kTcp4RowBytes = 149;  // TMPSZ - 1, without the newline

std::string_view without_padding(std::string_view row) {
  const auto last = row.find_last_not_of(' ');
  return row.substr(0, last == std::string_view::npos ? 0 : last + 1);
}

// Where a family's attributes may have type 0.
enum class TypeZero { never, first, meminfo };
struct RecordShape {
  std::uint8_t family;
  std::size_t bytes;  // of the structure before the attributes
  TypeZero zero;
};
// AF_* of Linux. INET_DIAG_NONE and XDP_DIAG_NONE are never sent; UNIX_DIAG_NAME and PACKET_DIAG_INFO come first;
// NETLINK_DIAG_MEMINFO has its size.
constexpr RecordShape kShapes[] = {
    {1, 16, TypeZero::first},     // struct unix_diag_msg
    {2, 72, TypeZero::never},     // struct inet_diag_msg
    {10, 72, TypeZero::never},
    {16, 28, TypeZero::meminfo},  // struct netlink_diag_msg
    {17, 16, TypeZero::first},    // struct packet_diag_msg
    {40, 32, TypeZero::never},    // struct vsock_diag_msg
    {44, 16, TypeZero::never},    // struct xdp_diag_msg
};
constexpr std::size_t kMeminfoWords = 9;  // SK_MEMINFO_VARS

void check_record(const NetlinkMessage& message, base::ByteOrder order, base::Problems& problems) {
  if (message.payload.empty()) return problems.add(message.offset, "a record without content");
  const auto family = static_cast<std::uint8_t>(message.payload[0]);
  const RecordShape* shape = nullptr;
  for (const RecordShape& known : kShapes)
    if (known.family == family) shape = &known;
  if (shape == nullptr) return;  // of a family whose structure this version doesn't know
  if (message.payload.size() < shape->bytes) return problems.add(message.offset, "a record of family " + std::to_string(family) + " shorter than its structure");
  auto attributes = attributes_after(message, shape->bytes, order);
  std::uint64_t seen = 0;
  for (bool first = true; const auto attribute = attributes.next(); first = false) {
    const std::string where = "attribute of type " + std::to_string(attribute->type) + " in the record at byte " + std::to_string(message.offset);
    if (attribute->type < 64) {
      if ((seen >> attribute->type & 1u) != 0) problems.add(attribute->offset, "a second " + where);
      seen |= std::uint64_t{1} << attribute->type;
    }
    if (attribute->type != 0) continue;
    if (shape->zero == TypeZero::never || (shape->zero == TypeZero::first && !first) ||
        (shape->zero == TypeZero::meminfo && attribute->payload.size() != kMeminfoWords * 4))
      problems.add(attribute->offset, "an " + where + ", where this family has none: as when nlmsg_len reaches over the next record");
  }
  if (attributes.leftover() > 0) problems.add(message.offset, "a record whose attributes leave " + std::to_string(attributes.leftover()) + " bytes over");
}

}  // namespace

//   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1596 1 0000000000000000 100 0 0 10 0
base::Problems check_proc_net_tcp_structure(std::string_view bytes, bool tcp4) {
  base::Problems problems;
  base::LineReader lines(bytes);
  if (!lines.next()) return problems;  // the heading
  std::uint64_t expected = 0;
  bool padded = false;
  while (const auto line = lines.next()) {
    if (!line->complete) break;  // cut: said elsewhere
    base::TextCursor cursor(line->text);
    const auto word = cursor.word();
    const auto slot = word && word->ends_with(':') ? base::parse_integer<std::uint64_t>(word->substr(0, word->size() - 1)) : std::nullopt;
    if (!slot) continue;  // no row: the decoder's problem
    if (*slot != expected)
      problems.add(line->offset, "row " + std::to_string(*slot) + " follows row " + (expected == 0 ? "none" : std::to_string(expected - 1)) + ": the kernel counts them without a gap");
    expected = *slot + 1;
    if (!tcp4) continue;
    // Older kernels pad nothing: one padded row shows that this one does.
    padded |= line->text.size() == kTcp4RowBytes && line->text.back() == ' ';
    const std::size_t content = without_padding(line->text).size();
    if (padded && line->text.size() != std::max(content, kTcp4RowBytes))
      problems.add(line->offset, "a row of " + std::to_string(line->text.size()) + " bytes: the kernel pads each to " + std::to_string(kTcp4RowBytes));
  }
  return problems;
}

base::Problems check_sock_diag_structure(std::string_view bytes) {
  base::Problems problems;
  const NetlinkPcap pcap = decode_netlink_pcap(bytes);
  for (const NetlinkDatagram& datagram : pcap.datagrams) {
    if (datagram.to_kernel || datagram.cut) continue;
    NetlinkMessageReader messages(datagram.bytes, datagram.offset, pcap.order);
    while (const auto message = messages.next())
      if (is_sock_diag_message(message->type)) check_record(*message, pcap.order, problems);
    if (messages.leftover() > 0)
      problems.add(datagram.offset, "a datagram whose messages leave " + std::to_string(messages.leftover()) + " bytes over");
  }
  return problems;
}

}  // namespace ssnap::decode
