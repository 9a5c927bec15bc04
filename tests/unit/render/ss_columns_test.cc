// What --as ss shows at all, and in which columns.
#include "render/ss_columns.h"

#include "render/ss_select.h"
#include "support/catch.h"

using namespace ssnap;
using render::SsColumn;
using render::SsColumns;
using render::SsSelection;

namespace {

constexpr std::uint32_t bit(std::uint8_t state) { return 1u << state; }
constexpr std::uint32_t kConnected = 0xfff & ~(bit(model::kStateListen) | bit(model::kStateUnconn) |
                                               bit(model::kStateTimeWait) | bit(model::kStateSynRecv));

}  // namespace

TEST_CASE("the switches of ss choose tables, states and families, in their order") {
  struct Case {
    const char* switches;
    void (*give)(SsSelection&);
    std::uint32_t tables, states;
    std::uint16_t preferred;
  };
  constexpr std::uint32_t kListening = bit(model::kStateListen) | bit(model::kStateUnconn);
  const Case cases[] = {
      {"", [](SsSelection&) {}, 0xffff & ~analyze::kTipc, kConnected, 0},
      {"-a", [](SsSelection& s) { s.all_states(); }, 0xffff & ~analyze::kTipc, 0xfff, 0},
      {"-t", [](SsSelection& s) { s.add_table(analyze::kTcp); }, analyze::kTcp, kConnected, 0},
      {"-u", [](SsSelection& s) { s.add_table(analyze::kUdp); }, analyze::kUdp, bit(model::kStateEstab), 0},
      {"-tu", [](SsSelection& s) { s.add_table(analyze::kTcp), s.add_table(analyze::kUdp); }, analyze::kTcp | analyze::kUdp,
       kConnected, 0},
      {"-a -l", [](SsSelection& s) { s.all_states(), s.listening_states(); }, 0xffff & ~analyze::kTipc, kListening, 0},
      {"-x", [](SsSelection& s) { s.add_family(model::kFamilyUnix); }, analyze::kUnix, kConnected, model::kFamilyUnix},
      {"-0", [](SsSelection& s) { s.add_family(model::kFamilyPacket); }, analyze::kPacket, bit(model::kStateUnconn),
       model::kFamilyPacket},
      {"-4", [](SsSelection& s) { s.add_family(model::kFamilyInet); }, analyze::kInet, kConnected, model::kFamilyInet},
      {"-t -4 -6", [](SsSelection& s) { s.add_table(analyze::kTcp), s.add_family(2), s.add_family(10); }, analyze::kTcp,
       kConnected, model::kFamilyInet6},
      {"-tx", [](SsSelection& s) { s.add_table(analyze::kTcp), s.add_family(1); }, analyze::kTcp | analyze::kUnix, kConnected,
       model::kFamilyUnix},
      {"-t -A udp", [](SsSelection& s) { s.add_table(analyze::kTcp), s.begin_query(), s.add_query("udp"); }, analyze::kUdp,
       kConnected, 0},
      {"-A udp -t", [](SsSelection& s) { s.begin_query(), s.add_query("udp"), s.add_table(analyze::kTcp); },
       analyze::kUdp | analyze::kTcp, kConnected, 0},
      {"-A all,!inet", [](SsSelection& s) { s.begin_query(), s.add_query("all"), s.add_query("!inet"); },
       analyze::kUnix | analyze::kPacket | analyze::kNetlink | analyze::kVsock | analyze::kXdp, kConnected, 0},
      {"-A tipc", [](SsSelection& s) { s.begin_query(), s.add_query("tipc"); }, analyze::kTipc, kConnected, 0},
  };
  for (const Case& row : cases) {
    INFO(row.switches);
    SsSelection selection;
    row.give(selection);
    selection.finish();
    CHECK(selection.tables() == row.tables);
    CHECK(selection.states() == row.states);
    CHECK(selection.preferred_family() == row.preferred);
  }
  SsSelection selection;
  CHECK_FALSE(selection.add_query("tcp4"));
  CHECK_FALSE(selection.add_query("!"));
  CHECK(render::ss_family_of("link") == model::kFamilyPacket);
  CHECK(render::ss_family_of("ipx") == 0);
}

TEST_CASE("columns are as wide as their widest field; the last field of all has no weight") {
  std::string out;
  SsColumns columns(out);
  columns.header();
  const auto row = [&](std::string_view netid, std::string_view state, std::string_view address, std::string_view rest) {
    columns.go_to(SsColumn::netid);
    columns.add(netid);
    columns.go_to(SsColumn::state);
    columns.add(state);
    columns.go_to(SsColumn::recv_queue);
    columns.add("0     ");
    columns.go_to(SsColumn::send_queue);
    columns.add("128   ");
    for (int end = 0; end < 2; ++end) {
      columns.next();
      columns.add(address);
      columns.next();
      columns.add("22");
    }
    columns.go_to(SsColumn::rest);
    columns.add(rest);
  };
  row("tcp", "LISTEN", "0.0.0.0:", " users:((a))");
  row("u_str", "ESTAB", "a-longer-address:", " a rest that is longer than those before");
  columns.note("  a note");
  columns.finish();
  CHECK(out ==
        "Netid State  Recv-Q Send-Q    Local Address:Port     Peer Address:PortProcess     \n"
        "tcp   LISTEN 0      128             0.0.0.0:22            0.0.0.0:22   users:((a))\n"
        "u_str ESTAB  0      128    a-longer-address:22   a-longer-address:22   a rest that is longer than those before\n"
        "  a note\n");
}

TEST_CASE("columns that are left out, listings without a row, fields that are too long") {
  std::string out;
  SsColumns columns(out);
  columns.hide(SsColumn::netid);
  columns.hide(SsColumn::state);
  columns.header();
  columns.finish();
  CHECK(out == "Recv-Q Send-Q Local Address:Port Peer Address:PortProcess\n");
  out.clear();
  SsColumns nothing(out);
  nothing.finish();
  CHECK(out.empty());
  SsColumns wide(out);
  wide.add(std::string(70000, 'x'));
  wide.add("more");
  wide.finish();
  CHECK(out == std::string(65535, 'x') + '\n');
}

TEST_CASE("a long listing is printed in pieces, each with the widths known by then") {
  std::string out;
  SsColumns columns(out);
  // Five pieces of a MiB hold 5 * 17 of these: the fifth is begun by the 69th, whose row ends the first printing.
  constexpr int kRows = 100;
  for (int i = 0; i < kRows; ++i) {
    columns.go_to(SsColumn::netid);
    columns.add("x");
    columns.go_to(SsColumn::rest);
    columns.add(std::string(60000, 'r'));
    columns.go_to(SsColumn::end);
    if (i == 90) {
      columns.go_to(SsColumn::netid);
      columns.add("wider");
      columns.go_to(SsColumn::end);
    }
  }
  columns.finish();
  // All rows of the piece in which the wide field came are aligned to it, those of the pieces before are not. Between
  // the two fields stand the delimiters of five empty columns.
  const std::string narrow = 'x' + std::string(5, ' ') + 'r', wide = 'x' + std::string(9, ' ') + 'r';
  int rows_before = 0;
  std::size_t at = 0;
  for (; out.compare(at, narrow.size(), narrow) == 0; at = out.find('\n', at) + 1) ++rows_before;
  CHECK(rows_before == 69);
  CHECK(out.compare(at, wide.size(), wide) == 0);
  CHECK(out.find('\n' + narrow, at) == std::string::npos);
}
