#include "decode/proc_net_sctp.h"

#include "decode/text_row.h"

namespace ssnap::decode {
namespace {

// Addresses of one end: SCTP_MAX addresses are counted in 16 bits nowhere, but one INIT holds fewer than
// this.
constexpr std::size_t kMaxAddresses = 4096;

// "%pI4": 10.0.0.1
std::optional<base::IpAddress> parse_v4(std::string_view text) {
  std::string bytes;
  for (;;) {
    const std::size_t dot = text.find('.');
    const auto byte = base::parse_integer<std::uint8_t>(text.substr(0, dot));
    if (!byte) return std::nullopt;
    bytes += static_cast<char>(*byte);
    if (dot == std::string_view::npos) break;
    if (bytes.size() == 4) return std::nullopt;
    text.remove_prefix(dot + 1);
  }
  if (bytes.size() != 4) return std::nullopt;
  return base::IpAddress::v4(bytes);
}

// "%pI6": fe80:0000:0000:0000:0000:0000:0000:0001, eight groups of four digits
std::optional<base::IpAddress> parse_v6(std::string_view text) {
  if (text.size() != 39) return std::nullopt;
  std::string bytes;
  for (std::size_t at = 0; at < text.size(); at += 5) {
    const auto group = base::parse_integer<std::uint16_t>(text.substr(at, 4), 16);
    if (!group || (at + 4 < text.size() && text[at + 4] != ':')) return std::nullopt;
    bytes += static_cast<char>(*group >> 8);
    bytes += static_cast<char>(*group & 0xff);
  }
  return base::IpAddress::v6(bytes);
}

std::optional<base::IpAddress> parse_address(std::string_view text) {
  return text.find(':') == std::string_view::npos ? parse_v4(text) : parse_v6(text);
}

// "10.0.0.1", or "*10.0.0.1" where it is the primary one of its association. False where it is none; that is
// then a problem.
bool read_address(RowReader& reader, std::string_view word, std::vector<base::IpAddress>& addresses,
                  std::optional<base::IpAddress>* primary) {
  const bool is_primary = word.starts_with('*');
  const auto address = parse_address(is_primary ? word.substr(1) : word);
  if (!address) return reader.fail("an address", word);
  if (addresses.size() == kMaxAddresses) return reader.fail("an end of the addresses", word);
  addresses.push_back(*address);
  if (is_primary && primary) *primary = address;
  return true;
}

//  ENDPT     SOCK   STY SST HBKT LPORT UID INODE LADDRS
// a1b2c3d4 00112233 2   10  29   5000     0 16384 10.0.0.1 10.0.1.1
bool read_endpoint(RowReader& reader, ProcNetSctpEndpoint& row) {
  if (!reader.skip("ENDPT, a pointer") || !reader.skip("SOCK, a pointer") ||
      !reader.number("STY, a decimal number", row.style) ||
      !reader.number("SST, a decimal number", row.state) || !reader.skip("HBKT, a decimal number") ||
      !reader.number("LPORT, a decimal number", row.local_port) ||
      !reader.int_as_u32("UID, a decimal number", row.uid) ||
      !reader.number("INODE, a decimal number", row.inode)) {
    return false;
  }
  while (const auto word = reader.next()) {
    if (!read_address(reader, *word, row.locals, nullptr)) return false;
  }
  return true;
}

//  ASSOC     SOCK   STY SST ST HBKT ASSOC-ID TX_QUEUE RX_QUEUE UID INODE LPORT RPORT LADDRS <-> RADDRS HBINT
//  ...
// a1b2c3d4 00112233 2   1   3  0       1        0        0       0 16384 5000  40000  10.0.0.1 <-> *10.0.0.2
// <tab> 30000
bool read_association(RowReader& reader, ProcNetSctpAssociation& row) {
  if (!reader.skip("ASSOC, a pointer") || !reader.skip("SOCK, a pointer") ||
      !reader.number("STY, a decimal number", row.style) ||
      !reader.number("SST, a decimal number", row.socket_state) ||
      !reader.number("ST, a decimal number", row.state) || !reader.skip("HBKT, a decimal number") ||
      !reader.number("ASSOC-ID, a decimal number", row.association_id) ||
      !reader.int_as_u32("TX_QUEUE, a decimal number", row.send_queue_bytes) ||
      !reader.int_as_u32("RX_QUEUE, a decimal number", row.recv_queue_bytes) ||
      !reader.int_as_u32("UID, a decimal number", row.uid) ||
      !reader.number("INODE, a decimal number", row.inode) ||
      !reader.number("LPORT, a decimal number", row.local_port) ||
      !reader.number("RPORT, a decimal number", row.peer_port)) {
    return false;
  }
  for (;;) {
    const auto word = reader.next();
    if (!word) return reader.fail("<-> between the addresses", {});
    if (*word == "<->") break;
    if (!read_address(reader, *word, row.locals, nullptr)) return false;
  }
  // The peers' addresses end where a number without dot or colon stands: HBINT.
  while (const auto word = reader.next()) {
    if (word->find_first_of(".:") == std::string_view::npos) break;
    if (!read_address(reader, *word, row.peers, &row.primary_peer)) return false;
  }
  return true;
}

}  // namespace

// sctp_eps_seq_show, Linux 2.6.18 to 6.18.
base::Decoded<ProcNetSctpEndpoint> decode_proc_net_sctp_eps(std::string_view bytes) {
  return decode_rows<ProcNetSctpEndpoint>(bytes, "ENDPT", read_endpoint);
}

// sctp_assocs_seq_show, Linux 2.6.32 to 6.18.
base::Decoded<ProcNetSctpAssociation> decode_proc_net_sctp_assocs(std::string_view bytes) {
  return decode_rows<ProcNetSctpAssociation>(bytes, "ASSOC", read_association);
}

}  // namespace ssnap::decode
