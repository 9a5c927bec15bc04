#include "render/ss_select.h"

#include "model/names.h"

namespace ssnap::render {
namespace {

constexpr std::uint32_t bit(std::uint8_t state) { return 1u << state; }
constexpr std::uint64_t family_bit(std::uint16_t family) { return std::uint64_t{1} << family; }

// For ss they don't include TIPC's.
constexpr std::string_view kAllTables = "all";
constexpr std::uint32_t kConnected = kSsAllStates & ~(bit(model::kStateListen) | bit(model::kStateUnconn) |
                                                      bit(model::kStateTimeWait) | bit(model::kStateSynRecv));
constexpr std::uint32_t kEstab = bit(model::kStateEstab), kUnconn = bit(model::kStateUnconn);
constexpr std::uint32_t kTipcStates = kEstab | kUnconn | bit(model::kStateListen);
constexpr std::uint64_t kIp = family_bit(model::kFamilyInet) | family_bit(model::kFamilyInet6);

// The states that a table brings along where no switch names any, and the families in which it is.
struct TableRow {
  std::uint32_t table, states;
  std::uint64_t families;
};
constexpr TableRow kTables[] = {
    {analyze::kTcp, kConnected, kIp},
    {analyze::kMptcp, kConnected, kIp},
    {analyze::kDccp, kConnected, kIp},
    {analyze::kUdp, kEstab, kIp},
    {analyze::kRaw, kEstab, kIp},
    {analyze::kUnixDgram, kUnconn, family_bit(model::kFamilyUnix)},
    {analyze::kUnixStream, kConnected, family_bit(model::kFamilyUnix)},
    {analyze::kUnixSeqpacket, kConnected, family_bit(model::kFamilyUnix)},
    {analyze::kPacketDgram, kUnconn, family_bit(model::kFamilyPacket)},
    {analyze::kPacketRaw, kUnconn, family_bit(model::kFamilyPacket)},
    {analyze::kNetlink, kUnconn, family_bit(model::kFamilyNetlink)},
    {analyze::kSctp, kConnected, kIp},
    {analyze::kVsockStream, kConnected, family_bit(model::kFamilyVsock)},
    {analyze::kVsockDgram, kConnected, family_bit(model::kFamilyVsock)},
    {analyze::kTipc, kTipcStates, family_bit(model::kFamilyTipc)},
    {analyze::kXdp, kUnconn, family_bit(model::kFamilyXdp)},
};

// The reverse: what a family brings along, and its word for -f.
struct FamilyRow {
  std::string_view word;
  std::uint16_t family;
  std::uint32_t tables, states;
};
constexpr FamilyRow kFamilies[] = {
    {"inet", model::kFamilyInet, analyze::kInet, kConnected},
    {"inet6", model::kFamilyInet6, analyze::kInet, kConnected},
    {"link", model::kFamilyPacket, analyze::kPacket, kUnconn},
    {"unix", model::kFamilyUnix, analyze::kUnix, kConnected},
    {"netlink", model::kFamilyNetlink, analyze::kNetlink, kUnconn},
    {"tipc", model::kFamilyTipc, analyze::kTipc, kTipcStates},
    {"vsock", model::kFamilyVsock, analyze::kVsock, kConnected},
    {"xdp", model::kFamilyXdp, analyze::kXdp, kUnconn},
};

}  // namespace

std::uint16_t ss_family_of(std::string_view word) {
  for (const FamilyRow& row : kFamilies)
    if (row.word == word) return row.family;
  return 0;
}

void SsSelection::add_table(std::uint32_t tables) {
  for (const TableRow& row : kTables)
    if ((row.table & tables) != 0) states_ |= row.states;
  tables_ |= tables;
  is_default_ = false;
}

void SsSelection::add_family(std::uint16_t family) {
  for (const FamilyRow& row : kFamilies)
    if (row.family == family) states_ |= row.states;
  families_ |= family_bit(family);
  preferred_family_ = family;
  is_default_ = false;
}

void SsSelection::begin_query() {
  if (saw_query_) return;
  // The first -A forgets the tables named before it, but not their states.
  tables_ = 0;
  if (states_switch_ == 0) states_switch_ = kConnected;
  saw_query_ = true;
  is_default_ = false;
}

bool SsSelection::add_query(std::string_view word) {
  const bool takes_away = word.starts_with('!');
  if (takes_away) word.remove_prefix(1);
  std::uint32_t tables = analyze::tables_of(word);
  if (word == kAllTables) tables &= ~analyze::kTipc;
  if (tables == 0) return false;
  if (takes_away) tables_ &= ~tables;
  else add_table(tables);
  return true;
}

void SsSelection::listening_states() { states_switch_ = bit(model::kStateListen) | kUnconn; }

void SsSelection::finish() {
  if (is_default_) {
    if (states_switch_ == 0) states_switch_ = kConnected;
    add_query(kAllTables);
    is_default_ = true;
  }
  if (states_switch_ != 0) states_ = states_switch_;
  // A table without a family of its own gets its families, a family without a table of its own gets its tables.
  for (const TableRow& row : kTables)
    if ((tables_ & row.table) != 0 && (families_ & row.families) == 0) families_ |= row.families;
  for (const FamilyRow& row : kFamilies)
    if (shows_family(row.family) && (tables_ & row.tables) == 0) tables_ |= row.tables;
}

}  // namespace ssnap::render
