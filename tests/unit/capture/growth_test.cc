// What a capture takes grows with the host no faster than the host: counted in allocations, not in time.
#include <atomic>
#include <cstdlib>
#include <new>
#include <string>

#include "capture/holders.h"
#include "capture/packer.h"
#include "capture/processes.h"
#include "fake_host.h"

namespace capture = ssnap::capture;
using namespace ssnap::capture_test;

namespace {

std::atomic<std::uint64_t> allocations{0}, live_bytes{0}, peak_bytes{0};

void* counted(std::size_t size) {
  constexpr std::size_t kHeader = alignof(std::max_align_t);
  auto* block = static_cast<std::size_t*>(std::malloc(size + kHeader));
  if (block == nullptr) throw std::bad_alloc();
  *block = size;
  ++allocations;
  const std::uint64_t live = live_bytes += size;
  std::uint64_t peak = peak_bytes;
  while (live > peak && !peak_bytes.compare_exchange_weak(peak, live)) {
  }
  return reinterpret_cast<char*>(block) + kHeader;
}

void released(void* pointer) noexcept {
  if (pointer == nullptr) return;
  char* block = static_cast<char*>(pointer) - alignof(std::max_align_t);
  live_bytes -= *reinterpret_cast<std::size_t*>(block);
  std::free(block);
}

}  // namespace

// All of this executable's: the other forms of the standard library lead here.
void* operator new(std::size_t size) { return counted(size); }
void operator delete(void* pointer) noexcept { released(pointer); }
void operator delete(void* pointer, std::size_t) noexcept { released(pointer); }

namespace {

struct Cost {
  std::uint64_t allocations = 0, peak_bytes = 0;
};

template <class Work>
Cost cost_of(const Work& work) {
  const std::uint64_t before = allocations, held = live_bytes;
  peak_bytes = held;
  work();
  return {allocations - before, peak_bytes - held};
}

// One process with so many sockets in its fd table.
Cost walk_of(std::size_t sockets) {
  FakeHost fake;
  fake.file("proc/42/stat", "42 (demo) S 1 42 42 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 7 0 0\n");
  for (std::size_t i = 0; i < sockets; ++i)
    fake.link("proc/42/fd/" + std::to_string(i), "socket:[" + std::to_string(1'000'000 + i) + "]");
  const capture::Host host = fake.open();
  capture::ReaderPool pool(1, 1, kLong);
  return cost_of([&] {
    const Collected all = run(pool, {capture::process_task(host, {42}, {}, false)});
    REQUIRE(all.seen.held.size() == sockets);
  });
}

// A member like a dump's, of so many pieces, as a reader brings it.
Cost dump_of(std::size_t pieces, capture::Packer& packer) {
  return cost_of([&] {
    const auto member = packer.begin();
    std::string piece;
    for (std::size_t i = 0; i < pieces; ++i) {
      piece.assign(capture::kPieceBytes, static_cast<char>('a' + i % 26));
      packer.append(member, piece);
    }
    REQUIRE(packer.finish(member, "dump").size_bytes == pieces * capture::kPieceBytes);
  });
}

// What is made of two dumps and a walk of so many sockets, all of them known and held.
Cost joined(std::size_t sockets) {
  capture::Seen walk;
  std::vector<capture::TableInode> dumped;
  for (std::size_t i = 0; i < sockets; ++i) {
    const auto inode = static_cast<std::uint32_t>((i * 2'654'435'761u) | 1u);
    dumped.push_back({inode, {}});
    walk.held.push_back({inode, 42, static_cast<std::uint32_t>(i), 0});
  }
  return cost_of([&] {
    capture::sort_inodes(dumped);
    capture::forget_known_fds(walk, dumped);
    const auto explained = capture::explained_inodes(walk);
    REQUIRE(walk.held.empty());
    REQUIRE(capture::without_holder(dumped, explained).empty());
    REQUIRE(capture::unseen_sockets(walk.held, explained, dumped).empty());
  });
}

constexpr double kLinear = 2.2;  // for twice as much: a tenth for what lists leave unused

}  // namespace

TEST_CASE("an fd table of twice the size takes twice the memory, and not more than two allocations an fd") {
  constexpr std::size_t kSockets = 2'000;
  walk_of(kSockets);  // what is made once
  const Cost one = walk_of(kSockets), two = walk_of(2 * kSockets);
  CHECK(static_cast<double>(two.allocations) <= kLinear * static_cast<double>(one.allocations));
  CHECK(two.allocations <= 2 * 2 * kSockets + 1'000);
  CHECK(two.peak_bytes <= 2 * kSockets * 256 + 256 * 1024);
}

TEST_CASE("a dump of any size is packed in the memory of its frame and of the pieces under way") {
  capture::Packer packer(1);
  constexpr std::size_t kPieces = 64;  // 8 MiB
  dump_of(kPieces, packer);
  const Cost one = dump_of(kPieces, packer), ten = dump_of(10 * kPieces, packer);
  CHECK(one.peak_bytes <= 2 * 1024 * 1024);
  CHECK(ten.peak_bytes <= 2 * 1024 * 1024);
  // Pieces are used again: what is allocated anew is the name and the queue's blocks.
  CHECK(ten.allocations <= kPieces * 10);
}

TEST_CASE("joining dumps and fd tables takes a few bytes a socket, and no allocation each") {
  constexpr std::size_t kSockets = 50'000;
  const Cost one = joined(kSockets), two = joined(2 * kSockets);
  CHECK(two.allocations <= one.allocations + 10);
  CHECK(one.allocations <= 64);
  CHECK(two.peak_bytes <= 2 * kSockets * 20);
  CHECK(static_cast<double>(two.peak_bytes) <= kLinear * static_cast<double>(one.peak_bytes));
}
