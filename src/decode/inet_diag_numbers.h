// Numbers of inet_diag that more than one decoder needs (include/uapi/linux/{inet_diag,tcp,socket}.h).
#pragma once

#include <cstddef>
#include <cstdint>

namespace ssnap::decode {

constexpr std::uint8_t kAfUnspec = 0, kAfInet = 2, kAfInet6 = 10;
constexpr std::size_t kInetDiagMsgBytes = 72;  // sizeof(struct inet_diag_msg)

constexpr std::uint16_t kInetDiagMd5Sig = 18;  // INET_DIAG_MD5SIG
constexpr std::size_t kMd5SigBytes = 100;      // sizeof(struct tcp_diag_md5sig)
constexpr std::size_t kMd5KeyOffset = 20;      // offsetof(struct tcp_diag_md5sig, tcpm_key), to its end

}  // namespace ssnap::decode
