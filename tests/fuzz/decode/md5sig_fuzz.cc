#include <string>

#include "check.h"
#include "decode/md5sig.h"
#include "decode/netlink_message.h"

using namespace ssnap::decode;
using namespace ssnap::decode::fuzz;

namespace {

bool is_covered(const std::vector<ByteSpan>& spans, std::uint64_t begin, std::uint64_t end) {
  for (const ByteSpan& span : spans) {
    if (span.offset <= begin && end <= span.offset + span.length) return true;
  }
  return false;
}

// By another way than the code under test: the readers of whole messages and attributes.
void check_all_found(std::string_view datagram, ssnap::base::ByteOrder order,
                     const std::vector<ByteSpan>& spans) {
  NetlinkMessageReader messages(datagram, 0, order);
  while (const auto message = messages.next()) {
    if (message->type < 18 || message->type > 20 || message->payload.size() < 72) continue;
    const char family = message->payload[0];
    if (family != 2 && family != 10) continue;
    NetlinkAttributeReader attributes(message->payload.substr(72), message->offset + 16 + 72, order);
    while (const auto attribute = attributes.next()) {
      if (attribute->type != 18) continue;
      const std::uint64_t begin = attribute->offset + 4;
      for (std::uint64_t at = 0; at + 100 <= attribute->payload.size(); at += 100)
        check(is_covered(spans, begin + at + 20, begin + at + 100));
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes = as_text(data, size);
  for (const auto order : {ssnap::base::ByteOrder::little, ssnap::base::ByteOrder::big}) {
    const std::vector<ByteSpan> spans = find_md5_keys(bytes, order);
    std::uint64_t previous = 0;
    for (const ByteSpan& span : spans) {
      check(span.length > 0 && span.offset >= previous);
      check(span.offset + span.length <= size);
      previous = span.offset + span.length;
    }
    check_all_found(bytes, order, spans);
  }
  return 0;
}
