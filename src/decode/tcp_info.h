// The structures inside INET_DIAG_INFO: tcp_info (include/uapi/linux/tcp.h), mptcp_info (include/uapi/linux/mptcp.h),
// sctp_info (include/uapi/linux/sctp.h). They only ever grow at their end: a shorter one lacks the later fields, what is
// longer than this version knows comes without names.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/byte_reader.h"

namespace ssnap::decode {

struct InfoField {
  std::string_view name;         // the kernel's, without "tcpi_", "mptcpi_", "sctpi_"; "" where this version has none
  std::uint32_t offset = 0;      // in the structure
  std::uint8_t size_bytes = 0;   // of the integer that holds it: 1, 2, 4, 8; an unnamed last piece may have any up to 8
  std::uint8_t bits = 0;         // width of a bit field in that integer; 0: the whole of it
  std::uint64_t value = 0;

  bool operator==(const InfoField&) const = default;
};

// `info`: the bytes of INET_DIAG_INFO. Fields that are there whole, in their order; the rest as unnamed words of 8 bytes
// and one last piece of fewer. Units: tcp_info is in microseconds where the kernel's comments say so, else in
// milliseconds (last_*) and bytes. `tcp_info` serves DCCP as well.
std::vector<InfoField> decode_tcp_info(std::string_view info, base::ByteOrder order);
std::vector<InfoField> decode_mptcp_info(std::string_view info, base::ByteOrder order);
// Without sctpi_p_address, which is a sockaddr_storage and comes as unnamed words.
std::vector<InfoField> decode_sctp_info(std::string_view info, base::ByteOrder order);
// The same of any of them, behind what `fields` has: its memory can be used again for the next socket.
enum class InfoStructure : std::uint8_t { tcp, mptcp, sctp };
void append_info(InfoStructure structure, std::string_view info, base::ByteOrder order, std::vector<InfoField>& fields);
// INET_DIAG_VEGASINFO (3), _DCTCPINFO (9), _BBRINFO (16): tcpvegas_info, tcp_dctcp_info, tcp_bbr_info
// (include/uapi/linux/inet_diag.h). The names begin with "vegas_", "dctcp_", "bbr_". Of another type: nothing.
std::vector<InfoField> decode_congestion_info(std::uint16_t attribute_type, std::string_view info,
                                              base::ByteOrder order);

}  // namespace ssnap::decode
