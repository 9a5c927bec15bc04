// Differential: the input makes sockets, and these are written twice, as a netlink dump and as the rows of /proc/net. Both
// decoders must say the same of each; and of an archive with both, each socket must come once, seen by both.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "archive/sink.h"
#include "archive/writer.h"
#include "decode/inet_diag.h"
#include "decode/proc_net_inet.h"
#include "decode/proc_net_unix.h"
#include "decode/unix_diag.h"
#include "pipeline/replay.h"
#include "support/byte_source.h"
#include "support/kernel_views.h"

using namespace ssnap;
using namespace ssnap::test;

namespace {

constexpr std::uint64_t kNetns = 4026531840;
constexpr std::size_t kMaxSockets = 64;
constexpr std::size_t kSunPathBytes = 108;

void require(bool condition) {
  if (!condition) __builtin_trap();
}

// What one table of the kernel could hold: of one family, each socket of its own inode and cookie, those without an inode at
// addresses of their own.
InetSocket inet_socket(ByteSource& source, std::uint8_t family, bool tcp, std::uint32_t number) {
  InetSocket s;
  s.family = family;
  const std::size_t bytes = family == 2 ? 4 : 16;
  for (std::size_t i = 0; i < bytes; ++i) s.local[i] = source.byte();
  for (std::size_t i = 0; i < bytes; ++i) s.peer[i] = source.byte();
  s.local[bytes - 1] = static_cast<std::uint8_t>(number);
  s.local_port = static_cast<std::uint16_t>(source.number(2));
  s.peer_port = static_cast<std::uint16_t>(source.number(2));
  s.state = tcp ? static_cast<std::uint8_t>(1 + source.byte() % 11) : (source.byte() % 2 == 0 ? 7 : 1);
  s.timer = source.byte() % 5;
  s.timer_ticks = s.timer == 0 ? 0 : static_cast<std::uint32_t>(source.number(3));
  s.retransmits = s.timer == 0 ? 0 : source.byte();
  const bool has_file = source.byte() % 4 != 0 && !(tcp && s.state == 6);
  s.inode = has_file ? number << 16 | static_cast<std::uint32_t>(source.number(2)) : 0;
  s.uid = has_file ? static_cast<std::uint32_t>(source.number(4)) : 0;
  s.recv_queue = static_cast<std::uint32_t>(source.number(4));
  s.send_queue = static_cast<std::uint32_t>(source.number(4));
  s.backlog = source.byte();
  s.cookie = static_cast<std::uint64_t>(number) << 32 | source.number(4);
  return s;
}

UnixSocket unix_socket(ByteSource& source, std::uint32_t number) {
  constexpr std::uint16_t kTypes[] = {1, 2, 5};
  constexpr std::uint8_t kStates[] = {1, 7, kListen};
  UnixSocket s;
  s.type = kTypes[source.byte() % 3];
  s.state = kStates[source.byte() % 3];
  s.inode = number << 16 | static_cast<std::uint32_t>(source.number(2));
  s.cookie = number;
  s.name = source.text(source.byte() % (kSunPathBytes + 1));
  // A path ends at its first NUL; an abstract name has any bytes.
  if (!s.name.empty() && s.name.front() != '\0') s.name.resize(std::min(s.name.find('\0'), s.name.size()));
  return s;
}

void compare(const decode::InetDiagRecord& dumped, const decode::ProcNetInetRow& listed) {
  require(dumped.local == listed.local && dumped.peer == listed.peer);
  require(dumped.local_port == listed.local_port && dumped.peer_port == listed.peer_port);
  require(dumped.state == listed.state && dumped.timer == listed.timer);
  require(dumped.recv_queue == listed.recv_queue);
  require(dumped.state == kListen || dumped.send_queue == listed.send_queue);
  require(dumped.uid == listed.uid && dumped.inode == listed.inode && dumped.retransmits == listed.retransmits);
  require(dumped.expires_msec == listed.timer_expires_ticks * 10);
}

// One archive, with all tables that the input made.
class Views {
 public:
  explicit Views(base::ByteOrder order) : order_(order), writer_(sink_, {}) {
    archive::CaptureInfo info;
    info.tool.name = "ssnap";
    info.host.byte_order = order;
    info.host.clk_tck = 100;
    info.collector.namespaces["net"] = kNetns;
    require(writer_.add_now("README.txt", "x").has_value() && writer_.add_now("capture.json", archive::to_json(info)).has_value());
  }

  void add_inet(const std::vector<InetSocket>& sockets, std::uint8_t family, bool tcp) {
    DumpWriter dump(order_, inet_request(order_, family, tcp ? 6 : 17));
    std::string rows = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";
    for (std::size_t i = 0; i < sockets.size(); ++i) {
      dump.record(inet_record(order_, sockets[i]));
      rows += inet_row(order_, i, sockets[i]);
    }
    const std::string pcap = dump.finish();
    const auto dumped = decode::decode_inet_diag(pcap);
    const auto listed = decode::decode_proc_net_inet(rows, order_);
    require(dumped.problems.empty() && listed.problems.empty());
    require(dumped.rows.size() == sockets.size() && listed.rows.size() == sockets.size());
    for (std::size_t i = 0; i < sockets.size(); ++i) compare(dumped.rows[i], listed.rows[i]);
    const std::string table = std::string(tcp ? "tcp" : "udp") + (family == 2 ? "" : "6");
    add("netlink/pass1/inet_diag-" + (tcp ? "tcp" : table + (family == 2 ? "4" : "")) + ".pcap", pcap);
    add("proc/net/" + table, rows);
    sockets_ += sockets.size();
  }

  void add_unix(const std::vector<UnixSocket>& sockets) {
    DumpWriter dump(order_, unix_request(order_));
    std::string rows = "Num       RefCount Protocol Flags    Type St Inode Path\n";
    bool has_newline = false;
    for (const UnixSocket& socket : sockets) {
      dump.record(unix_record(order_, socket));
      rows += unix_row(socket);
      has_newline |= socket.name.find('\n') != std::string::npos;
    }
    const std::string pcap = dump.finish();
    const auto dumped = decode::decode_unix_diag(pcap);
    require(dumped.problems.empty() && dumped.rows.size() == sockets.size());
    // A newline in a name breaks its row in two, and the second part may look like any row.
    if (!has_newline) {
      const auto listed = decode::decode_proc_net_unix(rows);
      require(listed.problems.empty() && listed.rows.size() == sockets.size());
      for (std::size_t i = 0; i < sockets.size(); ++i) {
        require(listed.rows[i].inode == dumped.rows[i].inode && listed.rows[i].type == dumped.rows[i].type);
        std::string name = dumped.rows[i].name.value_or("");
        std::replace(name.begin(), name.end(), '\0', '@');
        require(listed.rows[i].path.value_or("") == name);
      }
    }
    add("netlink/pass1/unix_diag.pcap", pcap);
    add("proc/net/unix", rows);
    sockets_ += sockets.size();
  }

  // Each socket once, with both views as its sources.
  void check_merged() {
    require(writer_.finish({}).has_value());
    const auto snapshot = pipeline::replay_bytes(sink_.bytes(), {});
    require(snapshot.has_value() && snapshot->sockets.size() == sockets_);
    for (const auto& socket : snapshot->sockets) {
      require(socket.cookie.has_value() && socket.sightings.size() == 2);
      require(socket.sightings[0].view != socket.sightings[1].view);
    }
  }

 private:
  void add(const std::string& name, const std::string& bytes) {
    require(writer_.add("netns/" + std::to_string(kNetns) + '/' + name, bytes).has_value());
  }

  base::ByteOrder order_;
  archive::MemorySink sink_;
  archive::Writer writer_;
  std::size_t sockets_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ByteSource source({reinterpret_cast<const char*>(data), size});
  const std::uint8_t how = source.byte();
  Views views(how & 1 ? base::ByteOrder::big : base::ByteOrder::little);
  const std::uint8_t family = how & 2 ? 10 : 2;
  const bool tcp = (how & 4) != 0;
  std::vector<InetSocket> inet;
  std::vector<UnixSocket> unix_sockets;
  for (std::uint32_t number = 1; number <= kMaxSockets && !source.at_end(); ++number) {
    if (source.byte() % 3 != 0) inet.push_back(inet_socket(source, family, tcp, number));
    else unix_sockets.push_back(unix_socket(source, number));
  }
  views.add_inet(inet, family, tcp);
  views.add_unix(unix_sockets);
  views.check_merged();
  return 0;
}
