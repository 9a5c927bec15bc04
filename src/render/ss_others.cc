// --as ss: rows of UNIX, packet, netlink, vsock, XDP and TIPC sockets.
#include <algorithm>

#include "render/escape.h"
#include "render/ss_parts.h"

namespace ssnap::render {
namespace {

using model::DumpRow;

// SOCK_*: net/net.h has two more than the model names.
constexpr std::uint16_t kSocketRaw = 3, kSocketRdm = 4;

std::string signed_number(std::uint64_t value) { return std::to_string(static_cast<std::int32_t>(value)); }

// The names that ss has for ethertypes (include/uapi/linux/if_ether.h), sorted by number.
struct Ethertype {
  std::uint16_t number;
  std::string_view name;
};
constexpr Ethertype kEthertypes[] = {
    {0x0001, "802_3"},     {0x0002, "ax25"},      {0x0004, "802_2"},    {0x0005, "snap"},      {0x0006, "ddcmp"},
    {0x0007, "wan_ppp"},   {0x0008, "ppp_mp"},    {0x0009, "localtalk"}, {0x000c, "can"},      {0x0010, "ppptalk"},
    {0x0011, "tr_802_2"},  {0x0015, "mobitex"},   {0x0016, "control"},  {0x0017, "irda"},      {0x0018, "econet"},
    {0x0060, "loop"},      {0x0200, "pup"},       {0x0201, "pupat"},    {0x0800, "ip"},        {0x0805, "x25"},
    {0x0806, "arp"},       {0x08ff, "bpq"},       {0x0a00, "ieeepup"},  {0x0a01, "ieeepupat"}, {0x6000, "dec"},
    {0x6001, "dna_dl"},    {0x6002, "dna_rc"},    {0x6003, "dna_rt"},   {0x6004, "lat"},       {0x6005, "diag"},
    {0x6006, "cust"},      {0x6007, "sca"},       {0x6558, "teb"},      {0x8035, "rarp"},      {0x809b, "atalk"},
    {0x80f3, "aarp"},      {0x8100, "802.1Q"},    {0x8137, "ipx"},      {0x86dd, "ipv6"},      {0x8847, "mpls_uc"},
    {0x8848, "mpls_mc"},   {0x884c, "atmmpoa"},   {0x8863, "ppp_disc"}, {0x8864, "ppp_ses"},   {0x8884, "atmfate"},
    {0x8892, "profinet"},  {0x88a2, "aoe"},       {0x88a4, "ethercat"}, {0x88a8, "802.1ad"},   {0x88ca, "tipc"},
    {0x88cc, "LLDP"},
};

std::string ethertype(const SsView& view, std::uint16_t number) {
  constexpr std::uint16_t kAll = 3;  // ETH_P_ALL
  if (number == kAll) return "*";
  if (!view.options.numeric)
    for (const Ethertype& row : kEthertypes)
      if (row.number == number) return std::string(row.name);
  return '[' + std::to_string(number) + ']';
}

void add_ring(SsView& view, const char* name, const model::Ring& ring, const model::RingTimes& times) {
  view.add(std::string(view.new_line()) + name + '(');
  view.addf("blk_size:%d,blk_nr:%d,frm_size:%d,frm_nr:%d", static_cast<int>(ring.block_size_bytes),
            static_cast<int>(ring.block_count), static_cast<int>(ring.frame_size_bytes),
            static_cast<int>(ring.frame_count));
  view.addf(",tmo:%d,features:0x%x)", static_cast<int>(times.retire_timeout_msec), times.features);
}

void add_packet_info(SsView& view, const DumpRow& row) {
  const model::PacketDetails& packet = *row.details.packet;
  if (packet.version && packet.flags) {
    view.add(view.new_line());
    view.addf("ver:%d cpy_thresh:%d flags( ", static_cast<int>(*packet.version),
              static_cast<int>(row.attributes.copy_threshold));
    // PDI_*, from bit 0 on.
    static constexpr std::string_view kFlags[] = {"running", " auxdata", " origdev", " vnethdr", " loss"};
    for (std::size_t i = 0; i < std::size(kFlags); ++i)
      if ((*packet.flags >> i & 1u) != 0) view.add(kFlags[i]);
    view.add(*packet.flags == 0 ? "0 )" : " )");
  }
  if (packet.rx_ring) add_ring(view, "ring_rx", *packet.rx_ring, row.attributes.rx_times);
  if (packet.tx_ring) add_ring(view, "ring_tx", *packet.tx_ring, row.attributes.tx_times);
  if (!packet.fanout) return;
  static constexpr const char* kTypes[] = {"hash", "lb", "cpu", "roll", "random", "qm"};
  const std::uint32_t type = *packet.fanout >> 16;
  view.add(view.new_line());
  view.addf("fanout(id:%u,type:", *packet.fanout & 0xffffu);
  view.add(type < std::size(kTypes) ? std::string(kTypes[type]) : printed("0x%x", type));
  view.add(")");
}

// The names of /etc/iproute2/nl_protos as iproute2 ships it.
std::string netlink_protocol(const SsView& view, std::uint16_t protocol) {
  static constexpr std::string_view kNames[] = {"rtnl",  "unused",    "usersock",  "fw",         "tcpdiag", "nflog",
                                                "xfrm",  "selinux",   "iscsi",     "audit",      "fiblookup", "connector",
                                                "nft",   "ip6fw",     "dec-rt",    "uevent",     "genl",    "",
                                                "scsi-trans", "ecryptfs", "rdma",  "crypto"};
  if (view.options.numeric || protocol >= std::size(kNames) || kNames[protocol].empty())
    return std::to_string(protocol);
  return std::string(kNames[protocol]);
}

// A port id is a pid by custom: ss shows the process of that number, whoever holds the socket.
std::string netlink_port(const SsView& view, std::uint32_t port) {
  const auto pid = static_cast<std::int32_t>(port);
  if (pid == -1) return "*";
  if (view.options.numeric) return signed_number(port);
  if (pid == 0) return "kernel";
  const auto& processes = view.snapshot.processes;
  const auto process = std::lower_bound(processes.begin(), processes.end(), std::int64_t{pid},
                                        [](const model::Process& one, std::int64_t wanted) { return one.pid < wanted; });
  if (pid > 0 && process != processes.end() && process->pid == pid) {
    // Up to the first bracket; nothing before it is no name to ss.
    const auto name = process->comm.substr(0, process->comm.find(')'));
    if (!name.empty()) return escape_tool(name) + '/' + std::to_string(pid);
  }
  return signed_number(port);
}

std::string_view vsock_netid(std::uint16_t type) {
  return type == model::kSocketStream ? "v_str" : type == model::kSocketDgram ? "v_dgr" : "???";
}

std::string vsock_number(std::uint32_t number) {
  constexpr std::uint32_t kAny = 0xffffffff;  // VMADDR_CID_ANY, VMADDR_PORT_ANY
  return number == kAny ? "*" : std::to_string(number);
}

void add_entries(SsView& view, const char* name, const std::optional<std::uint32_t>& entries) {
  if (!entries) return;
  view.add(view.new_line());
  view.addf("%s(entries:%u)", name, *entries);
}

void add_xdp_info(SsView& view, const DumpRow& row) {
  const model::XdpDetails& xdp = *row.details.xdp;
  add_entries(view, "rx", xdp.rx_ring_entries);
  add_entries(view, "tx", xdp.tx_ring_entries);
  if (const auto& memory = row.attributes.xdp_memory) {
    // "tumem" is how ss spells it on one line.
    view.add(view.options.one_line ? " tumem(" : "\n\tumem(");
    view.addf("id:%u,size:%llu,num_pages:%u,chunk_size:%u", memory->id,
              static_cast<unsigned long long>(memory->size_bytes), memory->page_count, memory->chunk_size_bytes);
    view.addf(",headroom:%u,ifindex:%u,qid:%u,zc:%u,refs:%u)", memory->headroom_bytes, memory->interface_index,
              memory->queue_id, memory->flags & 1u, memory->ref_count);
    add_entries(view, "fr", xdp.fill_ring_entries);
    add_entries(view, "cr", xdp.completion_ring_entries);
  }
  if (const auto& counters = row.attributes.xdp_counters) {
    const struct {
      const char* label;
      std::uint64_t value;
    } rows[] = {{"rx dropped", counters->rx_dropped},
                {",rx invalid", counters->rx_invalid},
                {",rx queue full", counters->rx_full},
                {",rx fill ring empty", counters->fill_ring_empty},
                {",tx invalid", counters->tx_invalid},
                {",tx ring empty", counters->tx_ring_empty}};
    view.add(view.new_line());
    view.add("stats(");
    for (const auto& one : rows) view.addf("%s:%llu", one.label, static_cast<unsigned long long>(one.value));
    view.add(")");
  }
}

std::string_view tipc_netid(std::uint16_t type) {
  switch (type) {
    case model::kSocketStream: return "ti_st";
    case model::kSocketDgram: return "ti_dg";
    case kSocketRdm: return "ti_rd";
    case model::kSocketSeqpacket: return "ti_sq";
    default: return "???";
  }
}

std::string_view socket_type(std::uint16_t type) {
  switch (type) {
    case model::kSocketStream: return "STREAM";
    case model::kSocketDgram: return "DGRAM";
    case kSocketRdm: return "RDM";
    case model::kSocketSeqpacket: return "SEQPACKET";
    default: return "UNKNOWN";
  }
}

}  // namespace

void ss_unix_row(SsView& view, const DumpRow& row) {
  const std::string_view netid = row.protocol == model::kSocketStream      ? "u_str"
                                 : row.protocol == model::kSocketSeqpacket ? "u_seq"
                                                                           : "u_dgr";
  std::string name = "*";
  if (row.listed) {
    // It reads the path as one word.
    constexpr std::string_view kBlanks = " \t\n\v\f\r";
    const std::string_view path = row.attributes.unix_name ? std::string_view(*row.attributes.unix_name) : std::string_view();
    const auto begin = std::min(path.find_first_not_of(kBlanks), path.size());
    if (begin != path.size()) name = escape_tool(path.substr(begin, path.find_first_of(kBlanks, begin) - begin));
  } else if (row.attributes.unix_name) {
    name = *row.attributes.unix_name;
    // An abstract name's NULs become '@'; a path ends at its first.
    if (name.starts_with('\0')) std::replace(name.begin(), name.end(), '\0', '@');
    name = escape_tool(name.substr(0, name.find('\0')));
  }
  ss_begin(view, netid, ss_state(row.state), row.recv_queue, row.send_queue);
  ss_end(view, name + ' ', signed_number(row.inode));
  ss_end(view, "* ", signed_number(row.peer_inode));
  ss_owners(view, ss_socket(view, row), row.inode);
  if (row.listed) return;
  if (view.options.memory) ss_memory(view, row.details.skmeminfo);
  if (!view.options.extended) return;
  if (row.details.shutdown) ss_shutdown(view, *row.details.shutdown);
  if (row.details.rare->vfs_inode) {
    // ss takes the kernel's own form of a device number for the one that glibc takes apart.
    const std::uint32_t device = row.details.rare->vfs_device.value_or(0);
    view.addf(" ino:%u dev:%u/%u", *row.details.rare->vfs_inode, device >> 8 & 0xfffu, (device & 0xffu) | (device >> 12 & 0xffffff00u));
  }
  if (row.attributes.has_pending_inodes) {
    view.add(" peers:");
    for (const std::uint32_t inode : row.details.rare->pending_inodes) view.addf(" %u", inode);
  }
}

void ss_packet_row(SsView& view, const DumpRow& row) {
  ss_begin(view, row.protocol == kSocketRaw ? "p_raw" : "p_dgr", ss_state(model::kStateUnconn), row.recv_queue, 0);
  const model::PacketDetails& packet = *row.details.packet;
  ss_end(view, ethertype(view, packet.ethertype) + ':', ss_interface(view, row.local.interface_index));
  ss_end(view, "*", "");
  ss_owners(view, ss_socket(view, row), row.inode);
  if (view.options.extended) {
    ss_extended(view, row);
    add_packet_info(view, row);
  }
  if (view.options.filters && packet.filter) {
    view.add(view.new_line());
    view.addf("bpf filter (%d): ", static_cast<int>(packet.filter->size()));
    for (const auto& step : *packet.filter)
      view.addf(" 0x%02x %u %u %u,", step.code, step.jump_true, step.jump_false, step.k);
  }
  if (view.options.memory) ss_memory(view, row.details.skmeminfo);
}

void ss_netlink_row(SsView& view, const DumpRow& row) {
  constexpr std::uint8_t kConnected = 1;  // NETLINK_CONNECTED
  ss_begin(view, "nl", ss_state(model::kStateUnconn), row.recv_queue, row.send_queue);
  ss_end(view, netlink_protocol(view, row.protocol) + ':', netlink_port(view, row.local.port));
  if (row.state == kConnected) ss_end(view, signed_number(row.attributes.peer_group) + ':', signed_number(row.peer.port));
  else ss_end(view, "*", "");
  if (view.options.extended)
    view.addf(" sk=%llx cb=%x groups=0x%08x", static_cast<unsigned long long>(row.listed ? row.cookie : 0),
              row.attributes.dump_running ? 1u : 0u, row.attributes.first_groups);
  if (!view.options.memory || row.listed) return;
  view.add("\t");
  ss_memory(view, row.details.skmeminfo);
}

void ss_vsock_row(SsView& view, const DumpRow& row) {
  ss_begin(view, vsock_netid(row.protocol), ss_state(row.state), 0, 0);
  for (const model::Endpoint* end : {&row.local, &row.peer})
    ss_end(view, vsock_number(end->node.value_or(0)) + ':', vsock_number(end->port));
  ss_owners(view, ss_socket(view, row), row.inode);
}

void ss_xdp_row(SsView& view, const DumpRow& row) {
  ss_begin(view, "xdp", ss_state(model::kStateUnconn), row.recv_queue, 0);
  if (row.local.interface_index != 0)
    ss_end(view, ss_interface(view, row.local.interface_index) + ':', 'q' + signed_number(row.local.port));
  else ss_end(view, "*", "");
  ss_end(view, "*", "");
  ss_owners(view, ss_socket(view, row), row.inode);
  if (view.options.extended) {
    ss_extended(view, row);
    add_xdp_info(view, row);
  }
  if (view.options.memory) ss_memory(view, row.details.skmeminfo);
}

void ss_tipc_row(SsView& view, const DumpRow& row) {
  const model::TipcAttributes& tipc = *row.attributes.tipc;
  ss_begin(view, tipc_netid(row.protocol), ss_state(row.state), row.recv_queue, row.send_queue);
  ss_end(view, std::to_string(row.local.node.value_or(0)) + ':', std::to_string(row.local.port));
  if (tipc.connected) ss_end(view, std::to_string(row.peer.node.value_or(0)) + ':', std::to_string(row.peer.port));
  else ss_end(view, "-", "");
  if (view.options.extended) ss_extended(view, row);
  ss_owners(view, ss_socket(view, row), row.inode);
  if (!view.options.tipc_info) return;
  view.add(view.options.one_line ? " type:" : "\n type:");
  view.add(socket_type(row.protocol));
  view.addf(" cong:%s  drop:%d ", tipc.link_congested ? "link" : tipc.connection_congested ? "conn" : "none",
            static_cast<int>(tipc.drops));
  if (tipc.published) view.add(" publ");
  if (tipc.service_type) view.addf(" via {%u,%u} ", *tipc.service_type, tipc.service_instance.value_or(0));
}

}  // namespace ssnap::render
