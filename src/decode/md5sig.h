// TCP-MD5 keys in inet_diag answers (INET_DIAG_MD5SIG, struct tcp_diag_md5sig; net/ipv4/tcp_diag.c, Linux 4.14 to 7.x):
// where they are, so that capture can withhold them.
#pragma once

#include <string_view>
#include <vector>

#include "base/byte_reader.h"
#include "decode/attribute_span.h"

namespace ssnap::decode {

// The tcpm_key fields of one datagram of an inet_diag dump, as it was received: the whole field of 80 bytes, whatever
// tcpm_keylen says. Offsets are in `datagram`, ascending, never beyond its end. Where the datagram ends within a message
// the part that is there is covered. An attribute that isn't made of structures of the known size has a range over
// everything but the first structure's address.
std::vector<ByteSpan> find_md5_keys(std::string_view datagram, base::ByteOrder order);

}  // namespace ssnap::decode
