#include "check.h"
#include "decode/netlink_pcap.h"

using namespace ssnap::decode;
using namespace ssnap::decode::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes = as_text(data, size);
  const NetlinkPcap pcap = decode_netlink_pcap(bytes);
  check_problems(pcap.problems, size);
  for (const auto& datagram : pcap.datagrams) {
    check(lies_in(datagram.bytes, bytes));
    check(datagram.offset + datagram.bytes.size() <= size);
    check(datagram.realtime_nsec >= 0);
  }
  return 0;
}
