#include "render/fields.h"

#include <algorithm>

#include "render/escape.h"
#include "render/json.h"
#include "render/table.h"

namespace ssnap::render {
namespace {

namespace json = boost::json;

// "*": any name, as the kernel has it.
constexpr std::string_view kFields[] = {
    "netns.inode", "netns.name", "netns.unknown", "family", "family_number", "protocol", "protocol_number", "state",
    "state_number", "presence", "local.address", "local.port", "local.port_id", "local.cid", "local.any_cid",
    "local.any_port", "local.node", "local.interface", "local.interface_index", "local.path", "local.abstract",
    "local.inode", "peer.address", "peer.port", "peer.port_id", "peer.cid", "peer.any_cid", "peer.any_port",
    "peer.node", "peer.interface", "peer.interface_index", "peer.path", "peer.abstract", "peer.inode", "recv_queue",
    "send_queue", "inode", "cookie", "uid", "user", "timer.name", "timer.number", "timer.expires_msec",
    "timer.retransmits", "details.tos", "details.tclass", "details.shutdown", "details.v6only", "details.mark",
    "details.class_id", "details.cgroup_id", "details.cgroup", "details.sockopt", "details.raw_protocol",
    "details.raw_protocol_name", "details.congestion", "details.skmeminfo.rmem_alloc", "details.skmeminfo.rcvbuf",
    "details.skmeminfo.wmem_alloc", "details.skmeminfo.sndbuf", "details.skmeminfo.fwd_alloc",
    "details.skmeminfo.wmem_queued", "details.skmeminfo.optmem", "details.skmeminfo.backlog",
    "details.skmeminfo.drops", "details.skmeminfo.further", "details.vfs_inode", "details.vfs_device.major",
    "details.vfs_device.minor", "details.pending_inodes", "details.packet.ethertype", "details.packet.ethertype_name",
    "details.packet.running", "details.packet.version", "details.packet.version_name", "details.packet.flags",
    "details.packet.flags_number", "details.packet.rx_ring.block_size_bytes", "details.packet.rx_ring.block_count",
    "details.packet.rx_ring.frame_size_bytes", "details.packet.rx_ring.frame_count",
    "details.packet.tx_ring.block_size_bytes", "details.packet.tx_ring.block_count",
    "details.packet.tx_ring.frame_size_bytes", "details.packet.tx_ring.frame_count", "details.packet.fanout.id",
    "details.packet.fanout.type", "details.packet.fanout.type_name", "details.packet.mclist.interface",
    "details.packet.mclist.interface_index", "details.packet.mclist.type", "details.packet.mclist.type_name",
    "details.packet.mclist.count", "details.packet.mclist.address", "details.packet.filter.instructions",
    "details.packet.filter.code", "details.packet.filter.text",
    "details.packet.filter.words", "details.xdp.queue_id", "details.xdp.umem_id", "details.xdp.rx_ring_entries",
    "details.xdp.tx_ring_entries", "details.xdp.fill_ring_entries", "details.xdp.completion_ring_entries",
    "details.groups", "details.tcp_info.*", "details.mptcp_info.*", "details.sctp_info.*", "details.ulp",
    "details.subflow.local_token", "details.subflow.remote_token", "details.subflow.local_id",
    "details.subflow.remote_id", "details.md5_keys", "details.addresses", "details.peer_addresses", "owners.pid",
    "owners.start_ticks", "owners.start_time", "owners.comm", "owners.exe", "owners.exe_sha256", "owners.cmdline", "owners.cmdline_cut", "owners.fds",
    "owners.registered_files", "owners.passes", "owners.tid", "owners.via", "owners.certainty", "owners.origin",
    "owners.origin_certainty", "owners.origin_evidence", "owners.inherited_from.pid",
    "owners.inherited_from.start_ticks", "owners.passed_by.pid", "owners.passed_by.start_ticks",
    "ownerless_reason.code", "ownerless_reason.detail", "ownerless_reason.candidate_count",
    "ownerless_reason.candidates.pid", "ownerless_reason.candidates.start_ticks", "peer_owners.pid",
    "peer_owners.start_ticks", "peer_owners.comm", "peer_owners_left_out", "links.tie", "links.certainty", "links.netns", "links.family",
    "links.protocol", "links.inode", "links.cookie", "sources.view", "sources.pass", "evidence.member",
    "evidence.offset",
};

// The first component of a path, which is taken off it.
std::string_view take_component(std::string_view& path) {
  const auto dot = std::min(path.find('.'), path.size());
  const std::string_view first = path.substr(0, dot);
  path.remove_prefix(std::min(dot + 1, path.size()));
  return first;
}

bool is_below(std::string_view field, std::string_view name) {
  return field.size() > name.size() + 1 && field.starts_with(name) && field[name.size()] == '.';
}

std::string scalar_text(const json::value& value, std::string_view separators) {
  if (const auto* text = value.if_string()) {
    std::string out;
    for (const char c : escape_tool({text->data(), text->size()})) {
      if (separators.find(c) == std::string_view::npos) out += c;
      else out += c == ';' ? "\\x3b" : "\\x20";
    }
    return out;
  }
  return value.is_null() ? "" : escape_tool(json::serialize(value));
}

std::string text_at(const json::value& value, std::string_view path, std::size_t lists) {
  constexpr std::string_view kSeparators = "; ";
  if (const auto* list = value.if_array()) {
    std::string out;
    const char separator = kSeparators[std::min(lists, kSeparators.size() - 1)];
    for (const auto& element : *list) {
      if (&element != &list->front()) out += separator;
      out += text_at(element, path, lists + 1);
    }
    return out;
  }
  if (path.empty()) return scalar_text(value, kSeparators.substr(0, lists));
  const auto* object = value.if_object();
  const auto* next = object ? object->if_contains(take_component(path)) : nullptr;
  return next ? text_at(*next, path, lists) : "";
}

json::value only(const json::value& value, const std::vector<std::string_view>& paths);

json::object only_of(const json::object& object, const std::vector<std::string_view>& paths) {
  json::object out;
  for (const auto& [key, value] : object) {
    bool whole = false;
    std::vector<std::string_view> below;
    for (std::string_view path : paths) {
      if (take_component(path) != std::string_view(key.data(), key.size())) continue;
      whole |= path.empty();
      below.push_back(path);
    }
    if (whole) out.emplace(key, value);
    else if (!below.empty()) out.emplace(key, only(value, below));
  }
  return out;
}

json::value only(const json::value& value, const std::vector<std::string_view>& paths) {
  if (const auto* object = value.if_object()) return only_of(*object, paths);
  const auto* list = value.if_array();
  if (list == nullptr) return value;
  json::array out;
  out.reserve(list->size());
  for (const auto& element : *list) out.push_back(only(element, paths));
  return out;
}

}  // namespace

std::span<const std::string_view> field_names() { return kFields; }

bool is_field(std::string_view name) { return !fields_of(name).empty(); }

std::vector<std::string_view> fields_of(std::string_view name) {
  std::vector<std::string_view> found;
  for (const std::string_view field : kFields) {
    const bool is_any = field.ends_with(".*");
    const std::string_view above = is_any ? field.substr(0, field.size() - 2) : field;
    if (is_any && is_below(name, above)) found.push_back(name);
    else if (above == name || is_below(above, name)) found.push_back(field);
  }
  return found;
}

std::string field_text(const json::object& socket, std::string_view name) {
  const auto* value = socket.if_contains(take_component(name));
  return value ? text_at(*value, name, 0) : "";
}

std::vector<std::string> columns_of(const std::string& name) {
  static const model::Snapshot kNone;
  static const model::Socket kNoSocket{};
  if (table_cell(kNone, kNoSocket, name)) return {name};
  const auto fields = fields_of(name);
  return {fields.begin(), fields.end()};
}

FieldReader::FieldReader(const model::Snapshot& snapshot, const model::Socket& socket)
    : snapshot_(snapshot), socket_(socket), object_(socket_object(snapshot, socket)) {}

std::string FieldReader::text(const std::string& name, bool as_cell) const {
  const auto fields = fields_of(name);
  const bool is_leaf = fields.size() == 1 && fields.front() == name;
  if (as_cell || !is_leaf)
    if (auto cell = table_cell(snapshot_, socket_, name)) return std::move(*cell);
  return field_text(object_, name);
}

json::object only_fields(const json::object& socket, const std::vector<std::string>& names) {
  return only_of(socket, {names.begin(), names.end()});
}

}  // namespace ssnap::render
