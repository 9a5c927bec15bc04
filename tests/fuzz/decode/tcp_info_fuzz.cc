#include "check.h"
#include "decode/tcp_info.h"

using namespace ssnap::decode;
using namespace ssnap::decode::fuzz;

std::vector<InfoField> decode_bbr_info(std::string_view info, ssnap::base::ByteOrder order) {
  return decode_congestion_info(16, info, order);
}

// Fields lie inside the structure, in its order, each with a value that fits its size.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes = as_text(data, size);
  for (const auto order : {ssnap::base::ByteOrder::little, ssnap::base::ByteOrder::big}) {
    for (const auto decode : {decode_tcp_info, decode_mptcp_info, decode_sctp_info, decode_bbr_info}) {
      std::uint64_t previous = 0;
      for (const InfoField& field : decode(bytes, order)) {
        check(field.size_bytes >= 1 && field.size_bytes <= 8);
        check(field.offset >= previous);
        check(std::uint64_t{field.offset} + field.size_bytes <= size);
        const unsigned bits = field.bits != 0 ? field.bits : field.size_bytes * 8u;
        check(bits == 64 || field.value >> bits == 0);
        previous = field.offset;
      }
    }
  }
  return 0;
}
