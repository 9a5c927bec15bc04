#include "capture/netlink_dump.h"

#include <linux/netlink.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cerrno>
#include <cstring>
#include <memory>

#include "base/clock.h"
#include "base/fd.h"
#include "capture/clock.h"
#include "decode/md5sig.h"
#include "decode/socket_inodes.h"

namespace ssnap::capture {
namespace {

// net/netlink/af_netlink.c, netlink_dump(): a dump datagram is at most 32 KiB, whatever the receiver offers.
constexpr std::size_t kReceiveBytes = 32 * 1024;

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
constexpr std::size_t kCookedBytes = 16;
constexpr unsigned char kToUs = 0, kToKernel = 4;
constexpr std::uint16_t kArphrdNetlink = 824;

template <class T>
std::string_view bytes_of(const T& value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

// Returns where in the member the datagram begins.
std::uint64_t append_datagram(MemberBuffer& member, unsigned char direction, int netlink_protocol,
                              std::string_view bytes, std::size_t original) {
  unsigned char cooked[kCookedBytes] = {};
  cooked[1] = direction;
  cooked[2] = kArphrdNetlink >> 8;
  cooked[3] = kArphrdNetlink & 0xff;
  cooked[15] = static_cast<unsigned char>(netlink_protocol);
  const std::int64_t now = realtime_nsec();
  const PcapRecord record{static_cast<std::uint32_t>(now / base::kNsecPerSec),
                          static_cast<std::uint32_t>(now % base::kNsecPerSec),
                          static_cast<std::uint32_t>(sizeof cooked + bytes.size()),
                          static_cast<std::uint32_t>(sizeof cooked + original)};
  member.append(bytes_of(record));
  member.append(bytes_of(cooked));
  const std::uint64_t begin = member.size_bytes();
  member.append(bytes);
  return begin;
}

struct DumpState {
  int error = 0;
  bool ended = false;
};

// What the sockets of a table are to the look for holders.
SocketKind kind_of(const NetlinkTable& table) {
  constexpr std::uint8_t kTcp = 6, kAfXdp = 44;
  const bool is_tcp = table.source == "inet_diag" && table.protocol == kTcp;
  if (table.family == AF_UNIX) return SocketKind::local;
  if (table.family == AF_PACKET || table.family == kAfXdp || is_tcp) return SocketKind::mappable;
  return SocketKind::other;
}

constexpr auto kNativeOrder = std::endian::native == std::endian::little ? base::ByteOrder::little : base::ByteOrder::big;

// The place of the table of /proc/net that should have a record of this dump: TableInode::table.
std::uint8_t twin_of(std::string_view payload, const NetlinkTable& table) {
  const auto& twins = decode::inode_tables();
  for (std::size_t i = 0; i < twins.size(); ++i)
    if (twins[i].dump == table.name && decode::inode_of_record(payload, twins[i], kNativeOrder)) return static_cast<std::uint8_t>(i + 1);
  return 0;
}

// Looks at a datagram's messages for the end of the dump and for the inodes of sockets.
DumpState look_at(std::string_view datagram, const NetlinkTable& table, std::uint16_t netns, std::vector<TableInode>& inodes) {
  constexpr std::size_t kPortAt = 4;  // struct netlink_diag_msg, ndiag_portid
  const std::size_t inode_at = table.inode_at;
  while (datagram.size() >= sizeof(nlmsghdr)) {
    nlmsghdr header;
    std::memcpy(&header, datagram.data(), sizeof header);
    if (header.nlmsg_len < sizeof header || header.nlmsg_len > datagram.size()) return {EBADMSG, true};
    if (header.nlmsg_type == NLMSG_DONE || header.nlmsg_type == NLMSG_ERROR) {
      // Both begin with an int: 0, or the negative errno. "Not supported" comes as -ENOENT inside NLMSG_DONE.
      int code = 0;
      if (header.nlmsg_len >= sizeof header + sizeof code)
        std::memcpy(&code, datagram.data() + sizeof header, sizeof code);
      return {code < 0 ? -code : 0, true};
    }
    std::uint32_t inode = 0;
    if (inode_at != 0 && header.nlmsg_len >= sizeof header + inode_at + sizeof inode) {
      std::memcpy(&inode, datagram.data() + sizeof header + inode_at, sizeof inode);
      std::uint32_t port = 1;
      if (table.family == AF_NETLINK) std::memcpy(&port, datagram.data() + sizeof header + kPortAt, sizeof port);
      const std::string_view payload = datagram.substr(sizeof header, header.nlmsg_len - sizeof header);
      if (inode != 0) inodes.push_back({inode, port == 0 ? SocketKind::kernels : kind_of(table), twin_of(payload, table), netns});
    }
    datagram.remove_prefix(std::min<std::size_t>(NLMSG_ALIGN(header.nlmsg_len), datagram.size()));
  }
  return {};
}

class NetlinkDumpTask : public Task {
 public:
  NetlinkDumpTask(std::shared_ptr<const NetnsAccess> netns, std::vector<const NetlinkTable*> tables, DumpFolder folder,
                  bool keep_secrets)
      : netns_(std::move(netns)), tables_(std::move(tables)), steps_(tables_.size()), folder_(std::move(folder)), keep_secrets_(keep_secrets) {}

  std::size_t step_count() const override { return steps_; }

  archive::JournalEntry about(std::size_t step) const override {
    archive::JournalEntry entry;
    entry.source = tables_[step]->source;
    entry.netns = netns_->inode();
    entry.pass = folder_.pass;
    entry.member = "netns/" + std::to_string(netns_->inode()) + "/" + folder_.name + "/" + std::string(tables_[step]->name) + ".pcap";
    return entry;
  }

  void run(std::size_t step, Output& output) override {
    const NetlinkTable& table = *tables_[step];
    archive::JournalEntry entry = about(step);
    entry.begin_nsec = boottime_nsec();
    MemberBuffer member(output, Content::records);
    Received received;
    int error = netns_->enter();
    if (error != 0) {
      entry.detail = "the namespace can't be entered";
      steps_ = step + 1;  // said once
    } else {
      error = dump(table, member, received, output);
      if (error != 0) entry.detail = std::string(table.name);
    }
    entry.end_nsec = boottime_nsec();
    entry.errno_number = error;
    // ENOENT is how a kernel says that it has no handler for this table.
    const bool no_handler = error == ENOENT && received.datagrams > 0;
    entry.outcome = no_handler ? base::OutcomeKind::unsupported : base::outcome_of_errno(error);
    if (error != 0 && received.datagrams > 1) entry.outcome = base::OutcomeKind::cut;
    if (entry.outcome == base::OutcomeKind::ok) entry.count = received.datagrams;
    const std::string name = entry.member;
    if (member.size_bytes() > 0) {
      entry.bytes = member.size_bytes();
      member.finish(name);
    } else {
      entry.member.clear();
    }
    output.journal(std::move(entry));
    for (const auto& key : received.withheld) {
      archive::JournalEntry withheld = about(step);
      withheld.begin_nsec = withheld.end_nsec = boottime_nsec();
      withheld.outcome = base::OutcomeKind::withheld;
      withheld.count = 1;
      withheld.offset = key.offset;
      withheld.bytes = key.length;
      withheld.detail = "TCP-MD5 key, overwritten with zeros (--include-secrets keeps it)";
      output.journal(std::move(withheld));
    }
    Seen seen;
    seen.dumped = std::move(received.inodes);
    seen.own = std::move(received.own);
    for (std::size_t i = 0; error == 0 && i < decode::inode_tables().size(); ++i)
      if (decode::inode_tables()[i].dump == table.name) seen.reads.push_back({netns_->ordinal(), static_cast<std::uint8_t>(i + 1), TableRead::Kind::dump, 0});
    output.seen(std::move(seen));
  }

 private:
  struct Received {
    std::uint64_t datagrams = 0;
    std::vector<TableInode> inodes;
    std::vector<std::uint32_t> own;  // the socket that asked
    std::vector<decode::ByteSpan> withheld;  // offsets in the member
  };

  // Returns the errno that ended it, 0 for a whole dump.
  int dump(const NetlinkTable& table, MemberBuffer& member, Received& received, Output& output) {
    if (!socket_ || socket_protocol_ != table.netlink_protocol) {
      socket_ = base::Fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, table.netlink_protocol));
      socket_protocol_ = table.netlink_protocol;
      if (!socket_) return errno;
      struct stat status {};
      if (base::file_status(socket_.get(), status)) received.own.push_back(static_cast<std::uint32_t>(status.st_ino));
    }
    const std::string body = table.body(table);
    nlmsghdr header{};
    header.nlmsg_len = static_cast<std::uint32_t>(NLMSG_HDRLEN + body.size());
    header.nlmsg_type = table.type;
    header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    header.nlmsg_seq = 1;
    const std::string request = std::string(bytes_of(header)) + body;
    member.append(bytes_of(PcapHeader{}));
    append_datagram(member, kToKernel, table.netlink_protocol, request, request.size());
    sockaddr_nl kernel{};
    kernel.nl_family = AF_NETLINK;
    if (::sendto(socket_.get(), request.data(), request.size(), 0, reinterpret_cast<sockaddr*>(&kernel), sizeof kernel) < 0)
      return errno;
    if (!buffer_) buffer_ = std::make_unique<char[]>(kReceiveBytes);
    for (;;) {
      sockaddr_nl sender{};
      iovec area{buffer_.get(), kReceiveBytes};
      msghdr message{};
      message.msg_name = &sender;
      message.msg_namelen = sizeof sender;
      message.msg_iov = &area;
      message.msg_iovlen = 1;
      const ssize_t got = ::recvmsg(socket_.get(), &message, MSG_TRUNC);
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) return broken(got < 0 ? errno : EIO);
      if (sender.nl_pid != 0) continue;  // not from the kernel
      const auto size = std::min(static_cast<std::size_t>(got), kReceiveBytes);
      std::vector<decode::ByteSpan> keys;
      if (table.has_secrets && !keep_secrets_) keys = blank_keys(size);
      const std::uint64_t begin = append_datagram(member, kToUs, table.netlink_protocol, {buffer_.get(), size},
                                                  static_cast<std::size_t>(got));
      for (const auto& key : keys) received.withheld.push_back({begin + key.offset, key.length});
      ++received.datagrams;
      const DumpState state = look_at({buffer_.get(), size}, table, netns_->ordinal(), received.inodes);
      if (state.ended) return state.error == EBADMSG ? broken(EBADMSG) : state.error;
      if (!output.beat()) return broken(EINTR);
    }
  }

  // What is left of a dump that was not drained must not be taken for the next one's answer.
  int broken(int error) {
    socket_.reset();
    return error;
  }

  std::vector<decode::ByteSpan> blank_keys(std::size_t size) {
    auto keys = decode::find_md5_keys({buffer_.get(), size}, kNativeOrder);
    for (const auto& key : keys) std::memset(buffer_.get() + key.offset, 0, key.length);
    return keys;
  }

  std::shared_ptr<const NetnsAccess> netns_;
  const std::vector<const NetlinkTable*> tables_;
  std::atomic<std::size_t> steps_;
  const DumpFolder folder_;
  bool keep_secrets_;
  // A thread that hangs in a step keeps these busy: the steps after it then wait in vain too and are given up one by
  // one, each with its own entry.
  base::Fd socket_;
  int socket_protocol_ = -1;
  std::unique_ptr<char[]> buffer_;
};

}  // namespace

DumpFolder folder_of_pass(int pass) { return {"netlink/pass" + std::to_string(pass), pass}; }

std::shared_ptr<Task> netlink_dump_task(std::shared_ptr<const NetnsAccess> netns, std::vector<const NetlinkTable*> tables,
                                        DumpFolder folder, bool keep_secrets) {
  return std::make_shared<NetlinkDumpTask>(std::move(netns), std::move(tables), std::move(folder), keep_secrets);
}

}  // namespace ssnap::capture
