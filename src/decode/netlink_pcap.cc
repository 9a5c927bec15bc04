#include "decode/netlink_pcap.h"

#include <string>

#include "decode/describe.h"
#include "decode/row_limits.h"

namespace ssnap::decode {
namespace {

constexpr std::uint32_t kMagicNanoseconds = 0xa1b23c4d;
constexpr std::uint32_t kMagicMicroseconds = 0xa1b2c3d4;
constexpr std::uint16_t kVersionMajor = 2, kVersionMinor = 4;
constexpr std::uint32_t kLinkTypeNetlink = 253;
// The upper half of the link type field holds flags (pcap-savefile(5): FCS length).
constexpr std::uint32_t kLinkTypeMask = 0xffff;
constexpr std::size_t kCookedHeaderBytes = 16;
constexpr std::uint16_t kArphrdNetlink = 824;  // ARPHRD_NETLINK
constexpr std::uint16_t kPacketOutgoing = 4;   // PACKET_OUTGOING: how ssnap marks its request
constexpr std::uint16_t kPacketKernel = 7;  // PACKET_KERNEL: how a tap on nlmon marks what goes to the kernel

// What libpcap takes for the largest packet (MAXIMUM_SNAPLEN), eight times the kernel's largest dump
// datagram: a longer record means that the framing is lost.
constexpr std::uint32_t kMaxRecordBytes = 262144;

struct Format {
  base::ByteOrder order;
  std::uint32_t nsec_per_unit;
};

std::optional<Format> format_of_magic(std::string_view bytes) {
  for (const auto order : {base::ByteOrder::little, base::ByteOrder::big}) {
    const auto magic = base::ByteReader(bytes, order).u32();
    if (magic == kMagicNanoseconds) return Format{order, 1};
    if (magic == kMagicMicroseconds) return Format{order, 1000};
  }
  return std::nullopt;
}

// struct pcap_file_header, after its magic. False where what follows can't be netlink.
bool read_file_header(base::ByteReader& reader, base::Problems& problems) {
  const auto major = reader.u16();
  const auto minor = reader.u16();
  // thiszone, sigfigs, snaplen: without meaning for what follows. A skip that fails consumes nothing, so that
  // what comes next would be read in its place.
  const bool skipped = reader.skip(12);
  const auto link_type = reader.u32();
  if (!skipped || !link_type) {
    problems.add(0, "expected a pcap header of 24 bytes, the file ends before; nothing kept");
    return false;
  }
  if (*major != kVersionMajor || *minor != kVersionMinor) {
    problems.add(4, "expected pcap version 2.4, found " + std::to_string(*major) + "." +
                        std::to_string(*minor) + "; read as 2.4");
  }
  if ((*link_type & kLinkTypeMask) != kLinkTypeNetlink) {
    problems.add(20, "expected link type 253 (netlink), found " + std::to_string(*link_type & kLinkTypeMask) +
                         "; nothing kept");
    return false;
  }
  return true;
}

// LINKTYPE_NETLINK, big-endian whatever the file's order:
// 00 04        03 38        00 00 00 00 00 00 00 00  00 04
// packet type  ARPHRD (824)  unused                  netlink family
// nullopt where the record is no netlink packet; that is then a problem.
std::optional<NetlinkDatagram> read_cooked(std::string_view record, std::uint64_t offset,
                                           base::Problems& problems) {
  base::ByteReader reader(record, base::ByteOrder::big);
  const auto packet_type = reader.u16();
  const auto hardware_type = reader.u16();
  if (!reader.skip(kCookedHeaderBytes - 4)) {
    problems.add(offset, "expected a cooked header of 16 bytes, found a record of " +
                             std::to_string(record.size()) + "; record skipped");
    return std::nullopt;
  }
  if (*hardware_type != kArphrdNetlink) {
    problems.add(offset + 2, "expected hardware type 824 (netlink), found " + std::to_string(*hardware_type) +
                                 "; record skipped");
    return std::nullopt;
  }
  NetlinkDatagram datagram;
  datagram.to_kernel = *packet_type == kPacketOutgoing || *packet_type == kPacketKernel;
  datagram.offset = offset + reader.offset();
  datagram.bytes = reader.rest();
  return datagram;
}

}  // namespace

// 4d 3c b2 a1  02 00 04 00  00 00 00 00  00 00 00 00  00 00 04 00  fd 00 00 00      the file's header
// 0f b5 20 6a  80 ba 8c 01  58 00 00 00  58 00 00 00  cooked header, netlink bytes  each record
// ts_sec       ts_nsec      incl_len     orig_len
NetlinkPcap decode_netlink_pcap(std::string_view bytes) {
  NetlinkPcap pcap;
  const auto format = format_of_magic(bytes);
  if (!format) {
    pcap.problems.add(0, expected_found("the magic of a pcap file", bytes.substr(0, 4), "nothing kept"));
    return pcap;
  }
  pcap.order = format->order;
  base::ByteReader reader(bytes, format->order);
  (void)reader.u32();  // the magic
  if (!read_file_header(reader, pcap.problems)) return pcap;

  while (!reader.at_end()) {
    const std::uint64_t record_offset = reader.offset();
    if (pcap.datagrams.size() == kMaxRows) {
      pcap.problems.add(record_offset, "expected at most " + std::to_string(kMaxRows) +
                                           " datagrams, found more; the rest is left out");
      break;
    }
    const auto seconds = reader.u32();
    const auto fraction = reader.u32();
    const auto included = reader.u32();
    const auto original = reader.u32();
    if (!original) {
      pcap.problems.add(record_offset, "expected a record header of 16 bytes, found the last " +
                                           std::to_string(bytes.size() - record_offset) +
                                           " of the file; everything before is kept");
      break;
    }
    if (*included > kMaxRecordBytes) {
      pcap.problems.add(record_offset + 8, "expected a record of at most " + std::to_string(kMaxRecordBytes) +
                                               " bytes, found one of " + std::to_string(*included) +
                                               "; the rest of the file is left out");
      break;
    }
    const bool truncated = *included > reader.remaining();
    if (truncated) {
      pcap.problems.add(record_offset,
                        "expected a record of " + std::to_string(*included) + " bytes, the file ends after " +
                            std::to_string(reader.remaining()) + "; the messages that are whole are kept");
    } else if (*included < *original) {
      pcap.problems.add(record_offset, "expected a datagram of " + std::to_string(*original) +
                                           " bytes, only " + std::to_string(*included) +
                                           " were received; the messages that are whole are kept");
    } else if (*included > *original) {
      pcap.problems.add(record_offset + 12, "expected an original length of at least " +
                                                std::to_string(*included) + ", found " +
                                                std::to_string(*original) + "; datagram kept");
    }
    if (*fraction >= 1'000'000'000 / format->nsec_per_unit) {
      pcap.problems.add(record_offset + 4, "expected a fraction of a second, found " +
                                               std::to_string(*fraction) + "; datagram kept");
    }

    const std::uint64_t cooked_offset = reader.offset();
    const std::string_view record = truncated ? reader.rest() : *reader.bytes(*included);
    auto datagram = read_cooked(record, cooked_offset, pcap.problems);
    if (!datagram) continue;
    // At most 2^32 s and 2^32 units: below 2^63 ns.
    datagram->realtime_nsec = static_cast<std::int64_t>(*seconds) * 1'000'000'000 +
                              static_cast<std::int64_t>(*fraction) * format->nsec_per_unit;
    datagram->cut = truncated || *included < *original;
    pcap.datagrams.push_back(*datagram);
  }
  return pcap;
}

}  // namespace ssnap::decode
