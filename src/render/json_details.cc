#include "render/json_details.h"

#include <array>
#include <optional>
#include <span>

#include "analyze/bpf_words.h"
#include "render/words.h"

namespace ssnap::render {
namespace {

// Names by number, "" for tomorrow's.
template <std::size_t N>
std::string_view name_of(const std::array<std::string_view, N>& names, std::uint32_t number) {
  return number < N ? names[number] : std::string_view();
}

// include/uapi/linux/if_packet.h and packet_diag.h.
constexpr std::array<std::string_view, 3> kPacketVersions{"TPACKET_V1", "TPACKET_V2", "TPACKET_V3"};
constexpr std::array<std::string_view, 5> kPacketFlags{"running", "auxdata", "origdev", "vnet_hdr", "loss"};
constexpr std::array<std::string_view, 8> kFanouts{"hash", "lb", "cpu", "rollover", "rnd", "qm", "cbpf", "ebpf"};
constexpr std::array<std::string_view, 4> kMemberships{"multicast", "promiscuous", "allmulti", "unicast"};

std::string colon_hex(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    if (!out.empty()) out += ':';
    const auto byte = static_cast<unsigned char>(c);
    out += kDigits[byte >> 4];
    out += kDigits[byte & 0xf];
  }
  return out;
}

void fill_ring(Item item, const model::Ring& ring) {
  item.number("block_size_bytes", ring.block_size_bytes);
  item.number("block_count", ring.block_count);
  item.number("frame_size_bytes", ring.frame_size_bytes);
  item.number("frame_count", ring.frame_count);
}

void fill_filter(Item item, const model::Socket& socket, const std::vector<model::BpfInstruction>& code) {
  if (code.empty()) return;
  item.number("instructions", code.size());
  List list = item.list("code");
  for (const auto& instruction : code) {
    List words = list.list();
    words.add(instruction.code);
    words.add(instruction.jump_true);
    words.add(instruction.jump_false);
    words.add(instruction.k);
  }
  List text = item.list("text");
  for (const auto& line : analyze::disassemble_bpf(code)) text.add(line);
  item.word_unless_empty("words", analyze::explain_packet_filter(socket).words);
}

void fill_packet(Item item, const model::Snapshot& snapshot, const model::Socket& socket,
                 const model::PacketDetails& packet) {
  item.number("ethertype", packet.ethertype);
  item.word_unless_empty("ethertype_name", ethertype_name(packet.ethertype));
  item.number("running", packet.running);
  if (packet.version) {
    item.number("version", *packet.version);
    item.word_unless_empty("version_name", name_of(kPacketVersions, *packet.version));
  }
  if (packet.flags) {
    List flags = item.list("flags");
    for (std::size_t bit = 0; bit < kPacketFlags.size(); ++bit)
      if ((*packet.flags >> bit & 1) != 0) flags.add(kPacketFlags[bit]);
    item.number("flags_number", *packet.flags);
  }
  if (packet.rx_ring) fill_ring(item.item("rx_ring"), *packet.rx_ring);
  if (packet.tx_ring) fill_ring(item.item("tx_ring"), *packet.tx_ring);
  if (packet.fanout) {
    Item fanout = item.item("fanout");
    fanout.number("id", *packet.fanout & 0xffff);
    fanout.number("type", *packet.fanout >> 16);
    fanout.word_unless_empty("type_name", name_of(kFanouts, *packet.fanout >> 16));
  }
  if (!packet.memberships.empty()) {
    List list = item.list("mclist");
    for (const auto& membership : packet.memberships) {
      Item one = add_item(list);
      one.bytes_unless_empty("interface",
                             interface_name(snapshot, socket.netns, membership.interface_index));
      one.number("interface_index", membership.interface_index);
      one.number("type", membership.type);
      one.word_unless_empty("type_name", name_of(kMemberships, membership.type));
      one.number("count", membership.count);
      one.word_unless_empty("address", colon_hex(membership.address));
    }
  }
  if (packet.filter) fill_filter(item.item("filter"), socket, *packet.filter);
}

void fill_xdp(Item item, const model::XdpDetails& xdp) {
  item.number("queue_id", xdp.queue_id);
  item.number("umem_id", xdp.umem_id);
  item.number("rx_ring_entries", xdp.rx_ring_entries);
  item.number("tx_ring_entries", xdp.tx_ring_entries);
  item.number("fill_ring_entries", xdp.fill_ring_entries);
  item.number("completion_ring_entries", xdp.completion_ring_entries);
}

std::string_view info_key(const model::Socket& socket) {
  if (is_ip(socket) && socket.protocol == model::kProtocolMptcp) return "mptcp_info";
  if (is_ip(socket) && socket.protocol == model::kProtocolSctp) return "sctp_info";
  return "tcp_info";
}

void fill_info(Item item, const model::InfoFields& fields) {
  bool all_named = true;
  for (const auto& field : fields) {
    all_named = all_named && !field.name.empty();
    if (!field.name.empty()) item.number(field.name, field.value);
  }
  if (all_named) return;
  std::optional<List> unnamed;
  for (const auto& field : fields) {
    if (!field.name.empty()) continue;
    if (!unnamed) unnamed.emplace(item.list("unnamed"));
    Item one = add_item(*unnamed);
    one.number("offset", field.offset);
    one.number("value", field.value);
  }
}

void put_addresses(Item& item, std::string_view key, const std::vector<base::IpAddress>& addresses) {
  List list = item.list(key);
  for (const auto& address : addresses) list.add(address.to_string());
}

}  // namespace

void fill_details(Item item, const model::Snapshot& snapshot, const model::Socket& socket) {
  const model::SocketDetails& details = *socket.details;
  // SK_MEMINFO_* (include/uapi/linux/sock_diag.h), in order.
  static constexpr std::string_view kMemory[] = {"rmem_alloc", "rcvbuf",    "wmem_alloc",
                                                  "sndbuf",     "fwd_alloc", "wmem_queued",
                                                  "optmem",     "backlog",   "drops"};
  item.number("tos", details.tos);
  item.number("tclass", details.tclass);
  item.number("shutdown", details.shutdown);
  item.number("v6only", details.v6only);
  item.number("mark", details.mark);
  item.number("class_id", details.class_id);
  if (details.cgroup_id) {
    item.word("cgroup_id", std::to_string(*details.cgroup_id));
    const auto path = snapshot.cgroups.find(*details.cgroup_id);
    if (path != snapshot.cgroups.end()) item.bytes("cgroup", path->second);
  }
  item.number("sockopt", details.sockopt);
  item.number("raw_protocol", details.raw_protocol);
  if (details.raw_protocol) {
    const auto name = model::ip_protocol_name(*details.raw_protocol);
    if (!name.empty()) item.word("raw_protocol_name", name);
  }
  item.bytes_unless_empty("congestion", details.congestion);
  if (!details.skmeminfo.empty()) {
    Item memory = item.item("skmeminfo");
    std::size_t i = 0;
    for (; i < details.skmeminfo.size() && i < std::size(kMemory); ++i)
      memory.number(kMemory[i], details.skmeminfo[i]);
    // A newer kernel's.
    if (i < details.skmeminfo.size())
      memory.numbers("further", std::span<const std::uint32_t>(details.skmeminfo).subspan(i));
  }
  item.number("vfs_inode", details.rare->vfs_inode);
  if (details.rare->vfs_device) {
    Item device = item.item("vfs_device");
    device.number("major", *details.rare->vfs_device >> 20);
    device.number("minor", *details.rare->vfs_device & 0xfffff);
  }
  if (!details.rare->pending_inodes.empty()) item.numbers("pending_inodes", details.rare->pending_inodes);
  if (details.packet) fill_packet(item.item("packet"), snapshot, socket, *details.packet);
  if (details.xdp) fill_xdp(item.item("xdp"), *details.xdp);
  if (details.rare->groups) item.numbers("groups", *details.rare->groups);
  if (!details.info.empty()) fill_info(item.item(info_key(socket)), details.info);
  item.bytes_unless_empty("ulp", details.rare->ulp);
  if (details.rare->subflow) {
    Item subflow = item.item("subflow");
    subflow.number("local_token", details.rare->subflow->local_token);
    subflow.number("remote_token", details.rare->subflow->remote_token);
    subflow.number("local_id", details.rare->subflow->local_id);
    subflow.number("remote_id", details.rare->subflow->remote_id);
  }
  item.number("md5_keys", details.rare->md5_peers);
  if (!details.rare->further_locals.empty()) put_addresses(item, "addresses", details.rare->further_locals);
  if (!details.rare->further_peers.empty()) put_addresses(item, "peer_addresses", details.rare->further_peers);
}

}  // namespace ssnap::render
