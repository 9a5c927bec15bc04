// What the files of --as ss share. Internal to ss*.cc.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include "model/snapshot.h"
#include "render/ss.h"
#include "render/ss_columns.h"

namespace ssnap::render {

enum class SsPorts { any, raw, udp, tcp };

struct SsView {
  const model::Snapshot& snapshot;
  std::uint32_t netns;
  const SsOptions& options;
  SsColumns columns;
  // SCTP: ss takes a row with the inode of the row before it for an association of that socket.
  std::uint64_t previous_inode = 0;
  // What ports are looked up as. ss sets it with the raw, UDP and TCP tables and leaves it for those that follow.
  SsPorts ports = SsPorts::any;
  // By port and protocol, "" for any: the first line of the file counts.
  std::map<std::pair<std::uint32_t, std::string_view>, std::string_view> services{};

  void add(std::string_view text) { columns.add(text); }
  __attribute__((format(printf, 2, 3))) void addf(const char* format, ...);
  // What begins a further line of a row; with -O it stays on the first.
  const char* new_line() const { return options.one_line ? " " : "\n\t"; }
};

// ss_common.cc
__attribute__((format(printf, 1, 2))) std::string printed(const char* format, ...);
std::string_view ss_state(std::uint32_t state);
void ss_begin(SsView& view, std::string_view netid, std::string_view state, std::uint32_t recv_queue,
              std::uint32_t send_queue);
// `address` with its delimiter; the port stands in a column of its own.
void ss_end(SsView& view, std::string_view address, std::string_view port);
std::string ss_port(const SsView& view, std::uint32_t port);
std::string ss_interface(const SsView& view, std::uint32_t index);
std::string ss_cgroup(const SsView& view, std::uint64_t id);
// " users:((...))" of the processes whose fd tables hold the inode.
void ss_owners(SsView& view, const model::Socket* socket, std::uint64_t inode);
// -e of IP, packet, XDP and TIPC sockets.
void ss_extended(SsView& view, const model::DumpRow& row);
void ss_shutdown(SsView& view, std::uint8_t shutdown);
void ss_memory(SsView& view, std::span<const std::uint32_t> skmeminfo);
std::string ss_duration(std::uint32_t msec);
const model::Socket* ss_socket(const SsView& view, const model::DumpRow& row);

// ss_inet.cc
void ss_inet_row(SsView& view, const model::DumpRow& row);
std::string_view ss_association_state(std::uint64_t state);  // enum sctp_state
// A row of /proc/net/{tcp,udp,raw}*, which ss reads where it has no netlink.
void ss_listed_inet_row(SsView& view, const model::DumpRow& row);

// ss_tcp_info.cc: -i and -m of IP sockets. `type`: the protocol of the row.
void ss_inet_details(SsView& view, const model::DumpRow& row, std::uint16_t type);
// -i of a row of /proc/net/tcp.
void ss_listed_tcp_info(SsView& view, const model::DumpRow& row);

// ss_others.cc
void ss_unix_row(SsView& view, const model::DumpRow& row);
void ss_packet_row(SsView& view, const model::DumpRow& row);
void ss_netlink_row(SsView& view, const model::DumpRow& row);
void ss_vsock_row(SsView& view, const model::DumpRow& row);
void ss_xdp_row(SsView& view, const model::DumpRow& row);
void ss_tipc_row(SsView& view, const model::DumpRow& row);

// ss_summary.cc: -s.
std::string ss_summary(const model::Snapshot& snapshot, std::uint32_t netns);

// ss_explain.cc
void ss_explain_row(SsView& view, const model::Socket* socket);
std::string ss_explain_whole(const SsView& view);
// The owners that ss would have seen: in the fd table of a process, in the first walk.
bool ss_sees(const model::Owner& owner);

}  // namespace ssnap::render
