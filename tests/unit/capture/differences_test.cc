// What dumps and /proc/net disagree about, and what another look leaves of it.
#include "capture/differences.h"

#include <catch2/catch.hpp>

using namespace ssnap::capture;

namespace {

constexpr std::uint8_t kTcp = 7, kUdp = 9;
constexpr std::uint64_t kManyRows = 1000;

TableInode socket(std::uint32_t inode, std::uint8_t table = kTcp, std::uint16_t netns = 0) { return {inode, {}, table, netns}; }

Seen dump(std::vector<TableInode> sockets, std::vector<std::uint8_t> tables = {kTcp, kUdp}) {
  Seen seen;
  seen.dumped = std::move(sockets);
  for (const auto table : tables) seen.reads.push_back({0, table, TableRead::Kind::dump, 0});
  return seen;
}

Seen listing(std::vector<TableInode> sockets, std::uint64_t rows = 3) {
  Seen seen;
  seen.twins = std::move(sockets);
  for (const auto table : {kTcp, kUdp}) seen.reads.push_back({0, table, TableRead::Kind::listing, rows});
  return seen;
}

Differences differences(const Seen& first, const Seen& second, Seen listed, std::uint64_t max_rows = kManyRows) {
  return Differences(first, second, listed, {99}, max_rows);
}

using Tables = std::vector<Differences::Table>;

}  // namespace

TEST_CASE("a difference is what both dumps have and /proc/net has not, or what it has and neither of them") {
  const auto dumped = dump({socket(1), socket(2), socket(3)});
  CHECK(differences(dumped, dumped, listing({socket(1), socket(2), socket(3)})).empty());
  CHECK(differences(dumped, dumped, listing({socket(1), socket(3)})).tables() == Tables{{0, kTcp}});
  CHECK(differences(dumped, dump({socket(1), socket(3)}), listing({socket(1), socket(3)})).empty());  // closed between the dumps
  CHECK(differences(dumped, dumped, listing({socket(1), socket(2), socket(3), socket(4, kUdp)})).tables() == Tables{{0, kUdp}});
  CHECK(differences(dumped, dump({socket(1), socket(2), socket(3), socket(4)}), listing({socket(1), socket(2), socket(3), socket(4)})).empty());
  // Of no table of /proc/net, and the collector's own.
  CHECK(differences(dump({socket(1, 0)}), dump({socket(1, 0)}), listing({})).empty());
  CHECK(differences(dump({socket(99)}), dump({socket(99)}), listing({})).empty());
  CHECK(differences(dump({}), dump({}), listing({socket(99)})).empty());
}

TEST_CASE("a table that one view could not read differs in nothing") {
  Seen unread = listing({});
  unread.reads.clear();
  const auto dumped = dump({socket(1)});
  CHECK(differences(dumped, dumped, unread).empty());
  CHECK(differences(dump({}, {kUdp}), dump({}), listing({socket(1)})).empty());
}

TEST_CASE("what both views agree on when they are read again is no difference any more") {
  const auto dumped = dump({socket(1), socket(2)});
  auto left = differences(dumped, dumped, listing({socket(1), socket(5)}));
  CHECK(left.size() == 2);
  left.look_again(listing({socket(1), socket(5)}), dump({socket(1), socket(2)}));
  CHECK(left.size() == 2);
  left.look_again(listing({socket(1), socket(2), socket(5)}), dump({socket(1), socket(2)}));
  CHECK(left.size() == 1);  // 2 was missed by the first reading
  left.look_again(listing({socket(1), socket(5)}), dump({socket(1), socket(5)}));
  CHECK(left.empty());
}

TEST_CASE("what has been closed meanwhile is none either") {
  const auto dumped = dump({socket(1), socket(2)});
  auto left = differences(dumped, dumped, listing({socket(1), socket(5)}));
  left.look_again(listing({socket(1)}), dump({socket(1)}));
  CHECK(left.empty());
}

TEST_CASE("a counter that says another number is looked at again") {
  const auto dumped = dump({});
  Seen listed = listing({}, 3);
  listed.reads.push_back({0, kTcp, TableRead::Kind::counter, 4});
  listed.reads.push_back({0, kUdp, TableRead::Kind::counter, 3});
  auto left = differences(dumped, dumped, listed);
  CHECK(left.tables() == Tables{{0, kTcp}});
  left.look_again(listed, dumped);
  CHECK(left.size() == 1);
  listed.reads.push_back({0, kTcp, TableRead::Kind::counter, 3});
  left.look_again(listed, dumped);
  CHECK(left.empty());
}

TEST_CASE("tables that are too large are left out, and counted") {
  const auto dumped = dump({socket(1), socket(2)});
  const auto left = differences(dumped, dumped, listing({socket(1)}, 1001));
  CHECK(left.empty());
  CHECK(left.too_large() == 1);
}
