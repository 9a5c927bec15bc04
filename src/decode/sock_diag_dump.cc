#include "decode/sock_diag_dump.h"

namespace ssnap::decode {
namespace {

constexpr std::uint16_t kNlmsgNoop = 1;     // NLMSG_NOOP
constexpr std::uint16_t kNlmsgOverrun = 4;  // NLMSG_OVERRUN
constexpr std::int64_t kMaxErrno = 4095;    // MAX_ERRNO (include/linux/err.h)

// NLMSG_ERROR and NLMSG_DONE both begin with an int, 0 or a negative errno. A missing handler of a protocol
// is told in the latter: inet_diag_dump's -ENOENT ends up in nlk->dump_done_errno.
void read_end(const NetlinkMessage& message, base::ByteOrder order, DumpEnd& end, base::Problems& problems) {
  end.done = true;
  const auto word = base::ByteReader(message.payload, order).u32();
  const std::uint64_t offset = message.offset + kNetlinkHeaderBytes;
  if (!word) {
    problems.add(offset, "expected an errno of 4 bytes at the end of the dump, found " +
                             std::to_string(message.payload.size()) +
                             "; the dump counts as ended without error");
    return;
  }
  const std::int64_t value = static_cast<std::int32_t>(*word);
  if (value > 0 || value < -kMaxErrno) {
    problems.add(offset, "expected 0 or a negative errno at the end of the dump, found " +
                             std::to_string(value) + "; the dump counts as ended without error");
    return;
  }
  // A second end must not hide the error of the first.
  if (end.errno_number == 0) end.errno_number = static_cast<int>(-value);
}

template <class T>
std::optional<T> attribute_scalar(const NetlinkAttribute& attribute, std::optional<T> value,
                                  std::string_view name, base::Problems& problems) {
  if (attribute.payload.size() == sizeof(T)) return value;
  problems.add(attribute.offset, std::string(name) + ": expected " + std::to_string(sizeof(T)) +
                                     " bytes, found " + std::to_string(attribute.payload.size()) +
                                     "; the record is kept without it");
  return std::nullopt;
}

// More than any kernel adds; a hostile message can't turn its 64 KiB into many times that.
constexpr std::size_t kMaxUnnamedAttributes = 256;

}  // namespace

bool is_sock_diag_message(std::uint16_t type) {
  return type == kTcpDiagGetSock || type == kDccpDiagGetSock || type == kSockDiagByFamily;
}

void walk_sock_diag_dump(std::string_view bytes, const SockDiagWalk& walk, DumpEnd& end,
                         base::Problems& problems) {
  NetlinkPcap pcap = decode_netlink_pcap(bytes);
  problems = std::move(pcap.problems);
  for (const NetlinkDatagram& datagram : pcap.datagrams) {
    NetlinkMessageReader reader(datagram.bytes, datagram.offset, pcap.order);
    while (const auto message = reader.next()) {
      if (datagram.to_kernel) {
        walk.on_request(*message, pcap.order);
        continue;
      }
      if (message->flags & kNlmFlagDumpIntr) end.interrupted = true;
      end.port_id = message->port_id;
      switch (message->type) {
        case kNlmsgNoop:
          break;
        case kNlmsgError:
        case kNlmsgDone:
          read_end(*message, pcap.order, end, problems);
          break;
        case kNlmsgOverrun:
          problems.add(
              message->offset,
              "expected a record, the kernel says that data was lost (NLMSG_OVERRUN); the rest is kept");
          break;
        default:
          if (!walk.is_record(message->type)) {
            problems.add(message->offset, "expected " + std::string(walk.expected) + ", found type " +
                                              std::to_string(message->type) + "; message skipped");
            break;
          }
          if (end.done)
            problems.add(message->offset, "expected nothing after the end of the dump, found a record; kept");
          if (!walk.on_record(*message, pcap.order)) return;
      }
    }
    if (reader.leftover() != 0) {
      problems.add(datagram.offset + datagram.bytes.size() - reader.leftover(),
                   "expected a whole netlink message, found " + std::to_string(reader.leftover()) +
                       " bytes that are none; the messages before are kept");
    }
  }
}

std::optional<base::ByteReader> open_record(const NetlinkMessage& message, base::ByteOrder order,
                                            std::string_view structure, std::size_t size, std::uint8_t family,
                                            base::Problems& problems) {
  if (message.payload.size() < size) {
    problems.add(message.offset, "expected " + std::string(structure) + " of " + std::to_string(size) +
                                     " bytes, found " + std::to_string(message.payload.size()) +
                                     "; record skipped");
    return std::nullopt;
  }
  base::ByteReader reader(message.payload, order);
  const std::uint8_t found = *reader.u8();
  if (found != family) {
    problems.add(message.offset + kNetlinkHeaderBytes, "expected family " + std::to_string(family) +
                                                           ", found " + std::to_string(found) +
                                                           "; record skipped");
    return std::nullopt;
  }
  return reader;
}

NetlinkAttributeReader attributes_after(const NetlinkMessage& message, std::size_t size,
                                        base::ByteOrder order) {
  return {message.payload.substr(size), message.offset + kNetlinkHeaderBytes + size, order};
}

NetlinkAttributeReader nested_attributes(const NetlinkAttribute& attribute, base::ByteOrder order) {
  return {attribute.payload, attribute.offset + kAttributeHeaderBytes, order};
}

std::uint64_t read_cookie(base::ByteReader& reader) {
  const std::uint64_t low = *reader.u32();
  return low | std::uint64_t{*reader.u32()} << 32;
}

ByteSpan payload_span(const NetlinkAttribute& attribute) {
  return {attribute.offset + kAttributeHeaderBytes, static_cast<std::uint32_t>(attribute.payload.size())};
}

void keep_unnamed(const NetlinkAttribute& attribute, std::vector<UnnamedAttribute>& unnamed,
                  base::Problems& problems) {
  if (unnamed.size() == kMaxUnnamedAttributes) {
    problems.add(attribute.offset, "expected at most " + std::to_string(kMaxUnnamedAttributes) +
                                       " attributes without a name, found more; left out");
    return;
  }
  unnamed.push_back({attribute.type, payload_span(attribute)});
}

std::optional<base::ByteReader> attribute_struct(const NetlinkAttribute& attribute, std::size_t size,
                                                 base::ByteOrder order, std::string_view name,
                                                 base::Problems& problems) {
  if (attribute.payload.size() >= size) return base::ByteReader(attribute.payload, order);
  problems.add(attribute.offset, std::string(name) + ": expected " + std::to_string(size) + " bytes, found " +
                                     std::to_string(attribute.payload.size()) +
                                     "; the record is kept without it");
  return std::nullopt;
}

std::string attribute_string(const NetlinkAttribute& attribute) {
  return std::string(attribute.payload.substr(0, attribute.payload.find('\0')));
}

std::optional<std::uint8_t> attribute_u8(const NetlinkAttribute& attribute, base::ByteOrder order,
                                         std::string_view name, base::Problems& problems) {
  return attribute_scalar(attribute, base::ByteReader(attribute.payload, order).u8(), name, problems);
}

std::optional<std::uint16_t> attribute_u16(const NetlinkAttribute& attribute, base::ByteOrder order,
                                           std::string_view name, base::Problems& problems) {
  return attribute_scalar(attribute, base::ByteReader(attribute.payload, order).u16(), name, problems);
}

std::optional<std::uint32_t> attribute_u32(const NetlinkAttribute& attribute, base::ByteOrder order,
                                           std::string_view name, base::Problems& problems) {
  return attribute_scalar(attribute, base::ByteReader(attribute.payload, order).u32(), name, problems);
}

std::optional<std::uint64_t> attribute_u64(const NetlinkAttribute& attribute, base::ByteOrder order,
                                           std::string_view name, base::Problems& problems) {
  return attribute_scalar(attribute, base::ByteReader(attribute.payload, order).u64(), name, problems);
}

void check_words_tile(const NetlinkAttribute& attribute, std::string_view name, base::Problems& problems) {
  if (attribute.payload.size() % 4 == 0) return;
  problems.add(attribute.offset, std::string(name) + ": expected words of 4 bytes, found " +
                                     std::to_string(attribute.payload.size()) +
                                     " bytes; the whole words are kept");
}

void check_attributes_tile(const NetlinkMessage& message, const NetlinkAttributeReader& reader,
                           base::Problems& problems) {
  if (reader.leftover() == 0) return;
  problems.add(message.offset + kNetlinkHeaderBytes + message.payload.size() - reader.leftover(),
               "expected a whole attribute, found " + std::to_string(reader.leftover()) +
                   " bytes that are none; the record is kept with the attributes before");
}

void check_nested_tile(const NetlinkAttribute& attribute, const NetlinkAttributeReader& reader,
                       std::string_view name, base::Problems& problems) {
  if (reader.leftover() == 0) return;
  problems.add(attribute.offset + kAttributeHeaderBytes + attribute.payload.size() - reader.leftover(),
               std::string(name) + ": expected a whole attribute, found " +
                   std::to_string(reader.leftover()) +
                   " bytes that are none; the record is kept with the attributes before");
}

}  // namespace ssnap::decode
