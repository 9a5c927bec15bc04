#include "check.h"
#include "decode/netlink_message.h"

using namespace ssnap::decode;
using namespace ssnap::decode::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes = as_text(data, size);
  for (const auto order : {ssnap::base::ByteOrder::little, ssnap::base::ByteOrder::big}) {
    NetlinkMessageReader messages(bytes, 0, order);
    while (const auto message = messages.next()) {
      check(lies_in(message->payload, bytes));
      check(message->offset + 16 + message->payload.size() <= size);
      NetlinkAttributeReader attributes(message->payload, message->offset + 16, order);
      while (const auto attribute = attributes.next()) {
        check(lies_in(attribute->payload, message->payload));
        check(attribute->type <= 0x3fff);
      }
      check(attributes.leftover() <= message->payload.size());
    }
    check(messages.leftover() <= size);
  }
  return 0;
}
