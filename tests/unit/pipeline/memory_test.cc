// What a replay takes for each socket: memory and work grow with the sockets and no faster. Counted in bytes and
// allocations, which are the same on every machine, not in time.
#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <new>

#include "archive/sink.h"
#include "archive/writer.h"
#include "pipeline/replay.h"
#include "support/catch.h"

namespace {

struct Use {
  std::size_t now = 0, peak = 0, allocations = 0;
};

// Of all threads.
struct {
  std::atomic<std::size_t> now = 0, peak = 0, allocations = 0;
} use;

// The size is kept before the block.
constexpr std::size_t kHeader = alignof(std::max_align_t);

void* take(std::size_t size) {
  auto* block = static_cast<char*>(std::malloc(size + kHeader));
  if (block == nullptr) throw std::bad_alloc();
  *reinterpret_cast<std::size_t*>(block) = size;
  const std::size_t now = use.now += size;
  for (std::size_t peak = use.peak; peak < now && !use.peak.compare_exchange_weak(peak, now);) {
  }
  ++use.allocations;
  return block + kHeader;
}

void give_back(void* pointer) {
  if (pointer == nullptr) return;
  char* block = static_cast<char*>(pointer) - kHeader;
  use.now -= *reinterpret_cast<std::size_t*>(block);
  std::free(block);
}

}  // namespace

void* operator new(std::size_t size) { return take(size); }
void* operator new[](std::size_t size) { return take(size); }
void operator delete(void* pointer) noexcept { give_back(pointer); }
void operator delete[](void* pointer) noexcept { give_back(pointer); }
void operator delete(void* pointer, std::size_t) noexcept { give_back(pointer); }
void operator delete[](void* pointer, std::size_t) noexcept { give_back(pointer); }

using namespace ssnap;

namespace {

// Little-endian bytes.
class Bytes {
 public:
  Bytes& number(std::uint64_t value, int size) {
    for (int i = 0; i < size; ++i) text += static_cast<char>(value >> (8 * i));
    return *this;
  }
  Bytes& network(std::uint32_t value, int size) {
    for (int i = size - 1; i >= 0; --i) text += static_cast<char>(value >> (8 * i));
    return *this;
  }
  Bytes& zeros(std::size_t count) {
    text.append(count, '\0');
    return *this;
  }
  Bytes& attribute(std::uint16_t type, std::string_view payload) {
    number(payload.size() + 4, 2).number(type, 2);
    text += payload;
    return zeros((4 - payload.size() % 4) % 4);
  }

  std::string text;
};

std::string message(std::uint16_t type, const std::string& payload) {
  return Bytes().number(payload.size() + 16, 4).number(type, 2).number(2, 2).number(1, 4).number(9, 4).text + payload;
}

std::string datagram(bool to_kernel, const std::string& messages) {
  Bytes out;
  out.number(1, 4).number(0, 4).number(messages.size() + 16, 4).number(messages.size() + 16, 4);
  out.network(to_kernel ? 4 : 0, 2).network(824, 2).zeros(10).network(4, 2);
  return out.text + messages;
}

constexpr std::uint32_t kFirstInode = 100'000;
constexpr std::uint16_t kListenPort = 8080;

// The two ends of connections on loopback: even sockets are clients.
std::uint16_t local_port(std::uint32_t i) { return i % 2 == 0 ? static_cast<std::uint16_t>(2000 + i / 2 % 30'000) : kListenPort; }
std::uint16_t peer_port(std::uint32_t i) { return i % 2 == 0 ? kListenPort : static_cast<std::uint16_t>(2000 + i / 2 % 30'000); }
std::uint32_t address(std::uint32_t i) { return 0x7f000001u + (i / 2 / 30'000 << 8); }

// A record as Linux 6.1 sends it with every extension.
std::string record(std::uint32_t i) {
  Bytes out;
  out.number(2, 1).number(1, 1).number(0, 1).number(0, 1).network(local_port(i), 2).network(peer_port(i), 2);
  out.network(address(i), 4).zeros(12).network(address(i), 4).zeros(12).number(0, 4).number(i + 1, 8);
  out.number(0, 4).number(i % 7, 4).number(i % 5, 4).number(1000, 4).number(kFirstInode + i, 4);
  out.attribute(5, std::string(1, '\0'));
  Bytes memory;
  for (std::uint32_t k = 0; k < 9; ++k) memory.number(k * 4096 + i % 3, 4);
  out.attribute(7, memory.text).attribute(8, std::string(1, '\0')).attribute(22, std::string(2, '\1'));
  Bytes info;
  info.zeros(8);
  for (std::uint32_t k = 0; k < 60; ++k) info.number(k % 3 == 0 ? 0 : (i * 31 + k * 1009) % 100'000, 4);
  out.attribute(2, info.text).attribute(4, std::string("cubic\0", 6)).attribute(21, Bytes().number(1, 8).text);
  return out.text;
}

std::string dump(std::uint32_t sockets) {
  std::string pcap = Bytes().number(0xa1b23c4d, 4).number(2, 2).number(4, 2).zeros(8).number(1 << 18, 4).number(253, 4).text;
  pcap += datagram(true, message(20, Bytes().number(2, 1).number(6, 1).number(255, 1).zeros(1).number(~0u, 4).zeros(48).text));
  std::string messages;
  for (std::uint32_t i = 0; i < sockets; ++i) {
    messages += message(20, record(i));
    if (i % 60 != 59) continue;
    pcap += datagram(false, messages);
    messages.clear();
  }
  return pcap + datagram(false, messages + message(3, std::string(4, '\0')));
}

std::string listing(std::uint32_t sockets) {
  std::string text = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";
  char line[160];
  for (std::uint32_t i = 0; i < sockets; ++i) {
    const std::uint32_t a = address(i), word = a >> 24 | (a >> 8 & 0xff00) | (a << 8 & 0xff0000) | a << 24;
    std::snprintf(line, sizeof line, "%4u: %08X:%04X %08X:%04X 01 00000000:00000000 00:00000000 00000000  1000        0 %u 1 0 20 4 30 10 -1\n",
                  i, word, local_port(i), word, peer_port(i), kFirstInode + i);
    text += line;
  }
  return text;
}

// What one socket may take: bytes beside the archive's own, most of them when the second dump is decompressed and decoded
// while the records of the first are there; bytes that the snapshot keeps; and allocations.
constexpr double kPeakBytes = 1300, kPeakBytesWithInfo = 1500;
constexpr double kKeptBytes = 690, kKeptBytesWithInfo = 850;
constexpr double kAllocations = 7;

// So many connected sockets in processes of a thousand, seen in both passes and in /proc/net.
std::string make_archive(std::uint32_t sockets) {
  archive::MemorySink sink;
  archive::Writer writer(sink, {});
  archive::CaptureInfo info;
  info.tool.name = "ssnap";
  info.collector.namespaces["net"] = 77;
  REQUIRE(writer.add_now("README.txt", "hello").has_value());
  REQUIRE(writer.add_now("capture.json", archive::to_json(info)).has_value());
  const std::string rows = dump(sockets);
  REQUIRE(writer.add("netns/77/netlink/pass1/inet_diag-tcp.pcap", rows).has_value());
  for (std::uint32_t first = 0; first < sockets; first += 1000) {
    std::string fds;
    for (std::uint32_t i = first; i < std::min(sockets, first + 1000); ++i)
      fds += std::to_string(i - first + 3) + " 0700 socket:[" + std::to_string(kFirstInode + i) + "]" + '\0';
    REQUIRE(writer.add("proc/" + std::to_string(100 + first / 1000) + "/fds", fds).has_value());
  }
  REQUIRE(writer.add("netns/77/netlink/pass2/inet_diag-tcp.pcap", rows).has_value());
  REQUIRE(writer.add("netns/77/proc/net/tcp", listing(sockets)).has_value());
  REQUIRE(writer.flush().has_value());
  REQUIRE(writer.finish({}).has_value());
  return sink.bytes();
}

Use cost_of(std::uint32_t sockets, bool with_info) {
  const std::string archive = make_archive(sockets);
  reconstruct::Options options;
  options.keep_info = with_info;
  const std::size_t before = use.now;
  use.peak = before;
  use.allocations = 0;
  const auto snapshot = pipeline::replay_bytes(archive, options);
  const Use cost{use.now - before, use.peak - before, use.allocations};
  REQUIRE(snapshot.has_value());
  REQUIRE(snapshot->sockets.size() == sockets);
  for (const auto& socket : snapshot->sockets) {
    REQUIRE(socket.owners.size() == 1);
    REQUIRE(socket.links.size() == 1);
    REQUIRE(socket.sightings.size() == 3);
    REQUIRE(socket.details);
    REQUIRE(socket.details->info.empty() == !with_info);
  }
  return cost;
}

}  // namespace

TEST_CASE("what a replay takes grows with the sockets and no faster") {
  constexpr std::uint32_t kSockets = 6000;  // past the fixed costs
  for (const bool with_info : {false, true}) {
    const Use one = cost_of(kSockets, with_info), two = cost_of(2 * kSockets, with_info);
    const auto per_socket = [](std::size_t more) { return static_cast<double>(more) / kSockets; };
    INFO("bytes at the peak " << per_socket(two.peak - one.peak) << ", kept " << per_socket(two.now - one.now)
                              << ", allocations " << per_socket(two.allocations - one.allocations));
    CHECK(per_socket(two.peak - one.peak) < (with_info ? kPeakBytesWithInfo : kPeakBytes));
    CHECK(per_socket(two.now - one.now) < (with_info ? kKeptBytesWithInfo : kKeptBytes));
    CHECK(per_socket(two.allocations - one.allocations) < kAllocations);
    CHECK(static_cast<double>(two.allocations) < 2.2 * static_cast<double>(one.allocations));
  }
}
