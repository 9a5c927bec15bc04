#include "capture/sock_diag.h"

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/fd.h"
#include "capture/clock.h"

namespace ssnap::capture {
namespace {

// net/netlink/af_netlink.c, netlink_dump(): a dump datagram is at most 32 KiB, whatever the receiver offers.
constexpr std::size_t kReceiveBytes = 32 * 1024;
constexpr std::uint32_t kAllStates = ~0u;
constexpr std::uint8_t kAllExtensions = 0xff;
constexpr std::uint32_t kAllUnixShow = 0x7f;  // UDIAG_SHOW_*, UID (0x40) included, which older headers lack

// The pcap file that a dump is kept as (docs/format.md): nanosecond magic, LINKTYPE_NETLINK, all in host byte order
// but the cooked header, which is in network order.
struct PcapHeader {
  std::uint32_t magic = 0xa1b23c4d;
  std::uint16_t version_major = 2, version_minor = 4;
  std::int32_t zone = 0;
  std::uint32_t accuracy = 0;
  std::uint32_t snapshot_length = 0x40000;
  std::uint32_t link_type = 253;
};
struct PcapRecord {
  std::uint32_t seconds, nanoseconds, included_length, original_length;
};
constexpr std::uint16_t kToUs = 0, kToKernel = 4, kArphrdNetlink = 824;

template <class T>
std::string_view bytes_of(const T& value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

void append_datagram(MemberBuffer& member, std::uint16_t direction, std::string_view bytes, std::size_t original) {
  unsigned char cooked[16] = {};
  cooked[0] = static_cast<unsigned char>(direction >> 8);
  cooked[1] = static_cast<unsigned char>(direction);
  cooked[2] = kArphrdNetlink >> 8;
  cooked[3] = kArphrdNetlink & 0xff;
  cooked[15] = NETLINK_SOCK_DIAG;
  const std::int64_t now = realtime_nsec();
  const PcapRecord record{static_cast<std::uint32_t>(now / base::kNsecPerSec),
                          static_cast<std::uint32_t>(now % base::kNsecPerSec),
                          static_cast<std::uint32_t>(sizeof cooked + bytes.size()),
                          static_cast<std::uint32_t>(sizeof cooked + original)};
  member.append(bytes_of(record));
  member.append(bytes_of(cooked));
  member.append(bytes);
}

std::string make_request(const SockDiagTable& table, std::uint32_t sequence) {
  std::string body;
  std::uint16_t type = SOCK_DIAG_BY_FAMILY;
  if (table.family == AF_UNIX) {
    unix_diag_req request{};
    request.sdiag_family = AF_UNIX;
    request.udiag_states = kAllStates;
    request.udiag_show = kAllUnixShow;
    body = bytes_of(request);
  } else if (table.family == AF_UNSPEC) {
    inet_diag_req request{};
    request.idiag_ext = kAllExtensions;
    request.idiag_states = kAllStates;
    type = TCPDIAG_GETSOCK;
    body = bytes_of(request);
  } else {
    inet_diag_req_v2 request{};
    request.sdiag_family = table.family;
    request.sdiag_protocol = table.protocol;
    request.idiag_ext = kAllExtensions;
    request.idiag_states = kAllStates;
    body = bytes_of(request);
  }
  nlmsghdr header{};
  header.nlmsg_len = static_cast<std::uint32_t>(NLMSG_HDRLEN + body.size());
  header.nlmsg_type = type;
  header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  header.nlmsg_seq = sequence;
  return std::string(bytes_of(header)) + body;
}

// Looks at a datagram's messages only for the end of the dump. Returns true at the end; sets the errno that came.
bool ends_dump(std::string_view datagram, int& error) {
  while (datagram.size() >= sizeof(nlmsghdr)) {
    nlmsghdr header;
    std::memcpy(&header, datagram.data(), sizeof header);
    if (header.nlmsg_len < sizeof header || header.nlmsg_len > datagram.size()) {
      error = EBADMSG;
      return true;
    }
    if (header.nlmsg_type == NLMSG_DONE || header.nlmsg_type == NLMSG_ERROR) {
      // Both begin with an int: 0, or the negative errno. "Not supported" comes as -ENOENT inside NLMSG_DONE.
      int code = 0;
      if (header.nlmsg_len >= sizeof header + sizeof code)
        std::memcpy(&code, datagram.data() + sizeof header, sizeof code);
      error = code < 0 ? -code : 0;
      return true;
    }
    datagram.remove_prefix(std::min<std::size_t>(NLMSG_ALIGN(header.nlmsg_len), datagram.size()));
  }
  return false;
}

class SockDiagTask : public Task {
 public:
  SockDiagTask(const SockDiagTable& table, std::uint64_t netns_inode, int pass)
      : table_(table), netns_(netns_inode), pass_(pass) {}

  archive::JournalEntry about(std::size_t) const override {
    archive::JournalEntry entry;
    entry.source = table_.source;
    entry.netns = netns_;
    entry.pass = pass_;
    entry.member = "netns/" + std::to_string(netns_) + "/netlink/pass" + std::to_string(pass_) + "/" +
                   std::string(table_.name) + ".pcap";
    return entry;
  }

  void run(std::size_t step, Output& output) override {
    archive::JournalEntry entry = about(step);
    entry.begin_nsec = boottime_nsec();
    MemberBuffer member(output);
    std::uint64_t datagrams = 0;
    const int error = dump(member, datagrams, output);
    entry.end_nsec = boottime_nsec();
    entry.errno_number = error;
    // ENOENT is how a kernel says that it has no handler for this table.
    entry.outcome = error == ENOENT ? base::OutcomeKind::unsupported : base::outcome_of_errno(error);
    if (error != 0 && datagrams > 1) entry.outcome = base::OutcomeKind::cut;
    if (entry.outcome == base::OutcomeKind::ok) entry.count = datagrams;
    if (member.size_bytes() > 0) {
      entry.bytes = member.size_bytes();
      member.finish(entry.member);
    } else {
      entry.member.clear();
    }
    if (error != 0) entry.detail = std::string(table_.name);
    output.journal(std::move(entry));
  }

 private:
  // Returns the errno that ended it, 0 for a whole dump; counts the datagrams that came.
  int dump(MemberBuffer& member, std::uint64_t& datagrams, Output& output) {
    const base::Fd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG));
    if (!fd) return errno;
    const std::string request = make_request(table_, 1);
    member.append(bytes_of(PcapHeader{}));
    append_datagram(member, kToKernel, request, request.size());
    sockaddr_nl kernel{};
    kernel.nl_family = AF_NETLINK;
    if (::sendto(fd.get(), request.data(), request.size(), 0, reinterpret_cast<sockaddr*>(&kernel), sizeof kernel) < 0)
      return errno;
    const auto buffer = std::make_unique<char[]>(kReceiveBytes);
    for (;;) {
      sockaddr_nl sender{};
      iovec area{buffer.get(), kReceiveBytes};
      msghdr message{};
      message.msg_name = &sender;
      message.msg_namelen = sizeof sender;
      message.msg_iov = &area;
      message.msg_iovlen = 1;
      const ssize_t got = ::recvmsg(fd.get(), &message, MSG_TRUNC);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return errno;
      if (got == 0) return EIO;
      if (sender.nl_pid != 0) continue;  // not from the kernel
      const auto size = std::min(static_cast<std::size_t>(got), kReceiveBytes);
      append_datagram(member, kToUs, {buffer.get(), size}, static_cast<std::size_t>(got));
      ++datagrams;
      int error = 0;
      if (ends_dump({buffer.get(), size}, error)) return error;
      if (!output.beat()) return EINTR;
    }
  }

  const SockDiagTable& table_;
  std::uint64_t netns_;
  int pass_;
};

}  // namespace

const std::vector<SockDiagTable>& sock_diag_tables() {
  static const std::vector<SockDiagTable> kTables{
      {"inet_diag-tcp", "inet_diag", {"tcp_diag_dump", "tcp_diag"}, AF_UNSPEC, IPPROTO_TCP},
      {"inet_diag-udp4", "inet_diag", {"udp_diag_dump", "udp_diag"}, AF_INET, IPPROTO_UDP},
      {"inet_diag-udp6", "inet_diag", {"udp_diag_dump", "udp_diag"}, AF_INET6, IPPROTO_UDP},
      {"unix_diag", "unix_diag", {"unix_diag_handler_dump", "unix_diag"}, AF_UNIX, 0},
  };
  return kTables;
}

std::shared_ptr<Task> sock_diag_task(const SockDiagTable& table, std::uint64_t netns_inode, int pass) {
  return std::make_shared<SockDiagTask>(table, netns_inode, pass);
}

}  // namespace ssnap::capture
