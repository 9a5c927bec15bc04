#include "decode/vsock_diag.h"

#include "decode/sock_diag_dump.h"

namespace ssnap::decode {
namespace {

constexpr std::uint8_t kAfVsock = 40;
constexpr std::size_t kDiagMsgBytes = 32;  // sizeof(struct vsock_diag_msg)

// struct vsock_diag_msg (sk_diag_fill, net/vmw_vsock/diag.c):
// 28 01 0a 00      ff ff ff ff  e8 03 00 00  ff ff ff ff  ff ff ff ff  3c 06 00 00  01 10 00 00 00 00 00 00
// fam type st shut src_cid      src_port     dst_cid      dst_port     inode        cookie, low word first
void read_record(const NetlinkMessage& message, base::ByteOrder order, VsockDiagDump& dump) {
  auto reader = open_record(message, order, "a vsock_diag_msg", kDiagMsgBytes, kAfVsock, dump.problems);
  if (!reader) return;
  VsockDiagRecord row;
  row.offset = message.offset;
  row.type = *reader->u8();
  row.state = *reader->u8();
  row.shutdown = *reader->u8();
  row.local_cid = *reader->u32();
  row.local_port = *reader->u32();
  row.peer_cid = *reader->u32();
  row.peer_port = *reader->u32();
  row.inode = *reader->u32();
  row.cookie = read_cookie(*reader);
  NetlinkAttributeReader attributes = attributes_after(message, kDiagMsgBytes, order);
  while (const auto attribute = attributes.next()) keep_unnamed(*attribute, row.unnamed, dump.problems);
  check_attributes_tile(message, attributes, dump.problems);
  dump.rows.push_back(std::move(row));
}

}  // namespace

VsockDiagDump decode_vsock_diag(std::string_view bytes) {
  return decode_sock_diag_dump<VsockDiagDump>(bytes, read_record);
}

}  // namespace ssnap::decode
