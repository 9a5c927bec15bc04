#include "capture/differences.h"

#include <algorithm>
#include <map>

#include "capture/holders.h"
#include "capture/proc_net.h"
#include "decode/socket_inodes.h"

namespace ssnap::capture {
namespace {

using Table = Differences::Table;

Table table_of(const TableInode& socket) { return {socket.netns, socket.table}; }
Table table_of(const TableRead& read) { return {read.netns, read.table}; }

// The tables that were read so, the last time that they were.
std::map<Table, std::uint64_t> counts_of(const std::vector<TableRead>& reads, TableRead::Kind kind) {
  std::map<Table, std::uint64_t> counts;
  for (const TableRead& read : reads)
    if (read.kind == kind) counts[table_of(read)] = read.count;
  return counts;
}

std::vector<Table> miscounted(const std::vector<TableRead>& reads) {
  const auto rows = counts_of(reads, TableRead::Kind::listing);
  std::vector<Table> tables;
  for (const auto& [table, counter] : counts_of(reads, TableRead::Kind::counter))
    if (const auto at = rows.find(table); at != rows.end() && at->second != counter) tables.push_back(table);
  return tables;
}

}  // namespace

Differences::Differences(const Seen& first, const Seen& second, Seen& listed, std::vector<std::uint32_t> own, std::uint64_t max_rows) {
  sort_inodes(listed.twins);
  std::sort(own.begin(), own.end());
  const auto rows = counts_of(listed.reads, TableRead::Kind::listing);
  const auto dumped = counts_of(first.reads, TableRead::Kind::dump), again = counts_of(second.reads, TableRead::Kind::dump);
  const auto is_own = [&](const TableInode& socket) { return std::binary_search(own.begin(), own.end(), socket.inode); };
  for (const TableInode& socket : only_in_first(in_both(first.dumped, second.dumped), listed.twins))
    if (rows.count(table_of(socket)) != 0 && !is_own(socket)) only_dumped_.push_back(socket);
  for (const TableInode& socket : only_in_first(only_in_first(listed.twins, first.dumped), second.dumped))
    if (dumped.count(table_of(socket)) != 0 && again.count(table_of(socket)) != 0 && !is_own(socket)) only_listed_.push_back(socket);
  miscounted_ = miscounted(listed.reads);

  std::vector<Table> left_out;
  for (const Table& table : tables())
    if (const auto at = rows.find(table); at != rows.end() && at->second > max_rows) left_out.push_back(table);
  too_large_ = left_out.size();
  const auto is_left_out = [&](const Table& table) { return std::binary_search(left_out.begin(), left_out.end(), table); };
  for (auto* sockets : {&only_dumped_, &only_listed_}) std::erase_if(*sockets, [&](const auto& socket) { return is_left_out(table_of(socket)); });
  std::erase_if(miscounted_, is_left_out);
}

void Differences::look_again(Seen listed, Seen dumped) {
  sort_inodes(listed.twins);
  sort_inodes(dumped.dumped);
  only_dumped_ = only_in_first(in_both(only_dumped_, dumped.dumped), listed.twins);
  only_listed_ = only_in_first(in_both(only_listed_, listed.twins), dumped.dumped);
  const std::vector<Table> wrong = miscounted(listed.reads);
  std::erase_if(miscounted_, [&](const Table& table) { return !std::binary_search(wrong.begin(), wrong.end(), table); });
}

std::vector<Table> Differences::tables() const {
  std::vector<Table> tables = miscounted_;
  for (const auto* sockets : {&only_dumped_, &only_listed_})
    for (const TableInode& socket : *sockets) tables.push_back(table_of(socket));
  std::sort(tables.begin(), tables.end());
  tables.erase(std::unique(tables.begin(), tables.end()), tables.end());
  return tables;
}

LookAgain look_again_tasks(const Differences& left, const std::vector<std::shared_ptr<const NetnsAccess>>& namespaces,
                           const std::vector<const NetlinkTable*>& dumped, const std::string& folder, bool keep_secrets) {
  std::map<std::uint16_t, std::vector<const decode::InodeTable*>> wanted;
  for (const auto& [netns, table] : left.tables()) wanted[netns].push_back(&decode::inode_tables()[table - 1u]);
  wanted.erase(kNoOrdinal);
  LookAgain tasks;
  for (const auto& netns : namespaces) {
    const auto at = wanted.find(netns->ordinal());
    if (at == wanted.end()) continue;
    tasks.listings.push_back(tables_again_task(netns, at->second, folder));
    std::vector<const NetlinkTable*> tables;
    for (const NetlinkTable* table : dumped)
      if (std::any_of(at->second.begin(), at->second.end(), [&](const auto* one) { return one->dump == table->name; })) tables.push_back(table);
    if (!tables.empty()) tasks.dumps.push_back(netlink_dump_task(netns, tables, {folder, std::nullopt}, keep_secrets));
  }
  return tasks;
}

}  // namespace ssnap::capture
